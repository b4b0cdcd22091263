import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { extname, join, resolve, sep } from 'node:path';

/** What a careful study's web server says. */
export const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

/** @type {Record<string, string>} */
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** What belongs to the study's server and not to its files. */
const PASSED_ON = /^\/(socket\.io|api)\//;

/** A folder on a port of its own under a strict policy, with stillhere's server behind the same origin. */
export class Site {
  /** Paths that were asked for. @type {string[]} */
  asked = [];
  #server;
  #folder;
  #behind;
  /** @type {Set<import('node:net').Socket>} */
  #lines = new Set();

  /**
   * @param {string} folder
   * @param {URL} behind
   */
  constructor(folder, behind) {
    this.#folder = resolve(folder);
    this.#behind = behind;
    this.#server = createServer((question, answer) => {
      if (PASSED_ON.test(question.url ?? '')) this.#passOn(question, answer);
      else this.#answer(new URL(question.url ?? '', 'http://site').pathname, answer);
    });
    this.#server.on('upgrade', (question, line, head) => this.#passOnLine(question, line, head));
  }

  /**
   * @param {string} folder
   * @param {string} server the address of stillhere's
   */
  static async open(folder, server) {
    const site = new Site(folder, new URL(server));
    await new Promise((ready) => site.#server.listen(0, '127.0.0.1', () => ready(undefined)));
    return site;
  }

  get url() {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the site is not open');
    return `http://127.0.0.1:${address.port}`;
  }

  /**
   * @param {string} path
   * @param {import('node:http').ServerResponse} answer
   */
  async #answer(path, answer) {
    this.asked.push(path);
    answer.setHeader('Content-Security-Policy', POLICY);
    answer.setHeader('X-Content-Type-Options', 'nosniff');
    // Browsers ask for it by themselves; that there is none is no error of the page.
    if (path === '/favicon.ico') return void answer.writeHead(204).end();
    const file = join(this.#folder, decodeURIComponent(path.endsWith('/') ? `${path}index.html` : path));
    try {
      if (!file.startsWith(this.#folder + sep)) throw new Error('outside');
      const content = await readFile(file);
      answer.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(content);
    } catch {
      answer.writeHead(404).end();
    }
  }

  /**
   * @param {import('node:http').IncomingMessage} question
   * @param {import('node:http').ServerResponse} answer
   */
  #passOn(question, answer) {
    const { method, headers, url } = question;
    const asked = request({ host: this.#behind.hostname, port: this.#behind.port, method, headers, path: url });
    asked.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    asked.on('error', () => answer.destroy());
    question.pipe(asked);
  }

  /**
   * A WebSocket: from here on the two ends speak for themselves.
   *
   * @param {import('node:http').IncomingMessage} question
   * @param {import('node:stream').Duplex} line
   * @param {Buffer} head
   */
  #passOnLine({ method, url, rawHeaders }, line, head) {
    const onward = connect(Number(this.#behind.port), this.#behind.hostname);
    this.#lines.add(onward);
    const headers = rawHeaders.reduce((text, part, index) => text + part + (index % 2 ? '\r\n' : ': '), '');
    onward.write(`${method} ${url} HTTP/1.1\r\n${headers}\r\n`);
    onward.write(head);
    for (const [end, other] of [
      [line, onward],
      [onward, line],
    ]) {
      end.pipe(other);
      end.on('error', () => other.destroy());
      end.on('close', () => other.destroy());
    }
  }

  async close() {
    for (const line of this.#lines) line.destroy();
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }
}
