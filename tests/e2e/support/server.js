import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'smol-toml';
import { findFile, target } from './paths.js';
import { inTime } from './wait.js';

const READY = /^stillhere is serving at (http:\/\/\S+)$/;
const START_MS = 30_000;
const STOP_MS = 15_000;
/** What ports are chosen from. */
const PORTS = { from: 20_000, to: 32_000 };

/**
 * A port that stays the server's while the server is down. Not one of those that the system gives to outgoing connections: a
 * client that tries to come back would get it, and be connected to itself.
 */
async function lastingPort() {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    const probe = createServer();
    const free = await new Promise((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error(`no free port between ${PORTS.from} and ${PORTS.to}`);
}

/**
 * @typedef {object} Healthz
 * @property {string} status
 * @property {{ waiting: number, playing: number, ending: number }} games
 */

/**
 * One `stillhere serve` with a data directory of its own. It can end in the middle of things and come back on the same port.
 */
export class Server {
  /** @type {string[]} */
  #log = [];
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process;
  /** @type {Promise<{ code: number | null, signal: string | null }>} */
  #exit = Promise.resolve({ code: 0, signal: null });
  #command;
  #options;

  /**
   * @param {string[]} command
   * @param {string} directory
   * @param {string[]} options
   */
  constructor(command, directory, options) {
    this.#command = command;
    this.#options = options;
    this.directory = directory;
    this.databasePath = join(directory, 'data', 'stillhere.sqlite3');
    this.url = '';
  }

  /**
   * Starts the binary on a free port and waits for the line that it prints when it is ready.
   *
   * @param {{ config?: Record<string, unknown>, binary?: string, launcher?: string[] }} [options] `launcher`: a program, with
   *   its first arguments, that becomes the server
   */
  static async start({ config, binary, launcher = [] } = {}) {
    const executable =
      binary ??
      findFile('stillhere binary', 'STILLHERE_BIN', [
        join(target, 'debug/stillhere'),
        join(target, 'release/stillhere'),
      ]);
    const directory = await mkdtemp(join(tmpdir(), 'stillhere-e2e-'));
    const options = ['--data-dir', join(directory, 'data')];
    if (config) {
      const file = join(directory, 'stillhere.toml');
      await writeFile(file, stringify(config));
      options.push('--config', file);
    }
    const server = new Server([...launcher, executable], directory, options);
    await server.#run(await lastingPort());
    return server;
  }

  /** Starts the binary again, on the same port and with the same data, after it was stopped or crashed. */
  async startAgain() {
    await this.#run(this.port);
  }

  /** @param {number} port */
  async #run(port) {
    const [program, ...args] = [...this.#command, 'serve', '--listen', `127.0.0.1:${port}`, ...this.#options];
    const child = spawn(program, args, { cwd: this.directory, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    this.#exit = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    try {
      await inTime('starting the server', this.#ready(child), START_MS);
    } catch (error) {
      await this.kill();
      throw new Error(`${error instanceof Error ? error.message : error}\n${this.log}`);
    }
  }

  /**
   * @param {import('node:child_process').ChildProcess} child
   * @returns {Promise<void>}
   */
  #ready({ stdout, stderr }) {
    if (!stdout || !stderr) throw new Error('the server was started without pipes');
    createInterface({ input: stderr }).on('line', (line) => this.#log.push(line));
    const lines = createInterface({ input: stdout });
    return new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        this.#log.push(line);
        const match = READY.exec(line);
        if (!match) return;
        this.url = match[1];
        resolve();
      });
      this.#process?.once('error', reject);
      this.#exit.then(({ code, signal }) => reject(new Error(`the server ended early: ${code ?? signal}`)));
    });
  }

  /** Everything that the server wrote, for failure reports. */
  get log() {
    return this.#log.join('\n');
  }

  get pid() {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error('the server does not run');
    return pid;
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  /** @returns {Promise<Healthz>} */
  async health() {
    const answer = await fetch(`${this.url}/healthz`);
    if (!answer.ok) throw new Error(`/healthz answered ${answer.status}`);
    return /** @type {Promise<Healthz>} */ (answer.json());
  }

  /** Asks the server to end as an operator would (SIGTERM) and insists on a clean exit in time. */
  async stop() {
    this.#process?.kill('SIGTERM');
    const { code, signal } = await inTime('stopping the server', this.#exit, STOP_MS);
    if (code !== 0) throw new Error(`the server ended with ${code ?? signal} after SIGTERM\n${this.log}`);
  }

  /** Ends the server as a power failure would; its data stay. */
  async crash() {
    if (this.#process?.pid === undefined) return;
    this.#process.kill('SIGKILL');
    await this.#exit;
  }

  /** Ends the server if it still runs, and removes its directory. */
  async kill() {
    await this.crash();
    await rm(this.directory, { recursive: true, force: true });
  }
}
