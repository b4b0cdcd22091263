import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { root } from '../../e2e/support/paths.js';

const TYPES = /** @type {Record<string, string>} */ ({
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm',
});

/** Where what the page loads is in the repository. */
const FOLDERS = /** @type {[prefix: string, folder: string][]} */ ([
  ['/experiment/', 'tests/jspsych/page'],
  ['/dist/', 'dist'],
  ['/stillhere/js/', 'js'],
  ['/stillhere/pkg/', 'pkg'],
  ['/vendor/jspsych/', 'node_modules/jspsych'],
  ['/vendor/@jspsych/', 'node_modules/@jspsych'],
  // The same beside the documented example.
  ['/documented/stillhere/', 'js'],
  ['/documented/js/', 'js'],
  ['/documented/pkg/', 'pkg'],
  ['/documented/jspsych/', 'node_modules/jspsych'],
  ['/documented/@jspsych/', 'node_modules/@jspsych'],
  ['/documented/vendor/', 'node_modules/socket.io-client/dist'],
]);

/** What pages of stillhere's own server have; jsPsych's style sheet holds its fonts. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; font-src data:";

/** A lab's own web server: it has the experiment's pages, and passes everything else on to stillhere. */
export class Front {
  #server = createServer((question, answer) => this.#answer(question, answer));
  #sockets = new Set();
  /** What is served from here, whatever the repository holds. @type {Map<string, string>} */
  pages = new Map();

  /** @param {number} upstreamPort */
  constructor(upstreamPort) {
    this.upstreamPort = upstreamPort;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('upgrade', (question, socket, head) => this.#upgrade(question, socket, head));
  }

  /** @param {number} upstreamPort of stillhere, on 127.0.0.1 */
  static async start(upstreamPort) {
    const front = new Front(upstreamPort);
    await new Promise((resolve, reject) => {
      front.#server.once('error', reject);
      front.#server.listen(0, '127.0.0.1', () => resolve(undefined));
    });
    return front;
  }

  get url() {
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.#server.address());
    return `http://127.0.0.1:${port}`;
  }

  async stop() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /**
   * @param {import('node:http').IncomingMessage} question
   * @param {import('node:http').ServerResponse} answer
   */
  #answer(question, answer) {
    const { pathname } = new URL(question.url ?? '/', 'http://front');
    const headers = {
      'Content-Type': TYPES[extname(pathname)] ?? 'application/octet-stream',
      'Content-Security-Policy': POLICY,
    };
    const page = this.pages.get(pathname);
    if (page !== undefined) {
      answer.writeHead(200, headers).end(page);
      return;
    }
    const found = FOLDERS.find(([prefix]) => pathname.startsWith(prefix));
    if (!found) return this.#pass(question, answer);
    const [prefix, folder] = found;
    readFile(join(root, folder, normalize(`/${pathname.slice(prefix.length)}`))).then(
      (content) => answer.writeHead(200, headers).end(content),
      () => answer.writeHead(404).end(),
    );
  }

  /**
   * @param {import('node:http').IncomingMessage} question
   * @param {import('node:http').ServerResponse} answer
   */
  #pass(question, answer) {
    const { method, url, headers } = question;
    const upstream = request({ host: '127.0.0.1', port: this.upstreamPort, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    upstream.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
    question.pipe(upstream);
  }

  /**
   * @param {import('node:http').IncomingMessage} question
   * @param {import('node:stream').Duplex} client
   * @param {Buffer} head
   */
  #upgrade({ method, url, rawHeaders }, client, head) {
    const upstream = connect({ host: '127.0.0.1', port: this.upstreamPort });
    const lines = [`${method} ${url} HTTP/1.1`];
    for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
    upstream.write(head);
    upstream.pipe(client).pipe(upstream);
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
    client.on('close', () => upstream.destroy());
  }
}
