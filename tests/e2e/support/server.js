import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'smol-toml';
import { findFile, target } from './paths.js';
import { inTime } from './wait.js';

const READY = /^stillhere is serving at (http:\/\/\S+)$/;
const START_MS = 30_000;
const STOP_MS = 15_000;

/**
 * @typedef {object} Healthz
 * @property {string} status
 * @property {{ waiting: number, playing: number, ending: number }} games
 */

/** One running `stillhere serve`, with a data directory of its own. */
export class Server {
  /** @type {string[]} */
  #log = [];
  /** @type {import('node:child_process').ChildProcess} */
  #process;
  /** @type {Promise<{ code: number | null, signal: string | null }>} */
  #exit;

  /**
   * @param {import('node:child_process').ChildProcess} process
   * @param {string} directory
   */
  constructor(process, directory) {
    this.#process = process;
    this.directory = directory;
    this.databasePath = join(directory, 'data', 'stillhere.sqlite3');
    this.url = '';
    this.#exit = new Promise((resolve) => {
      process.once('exit', (code, signal) => resolve({ code, signal }));
    });
  }

  /**
   * Starts the binary on a port of the system's choice and waits for the line that it prints when it is ready.
   *
   * @param {{ config?: Record<string, unknown>, binary?: string }} [options]
   */
  static async start({ config, binary } = {}) {
    const executable =
      binary ??
      findFile('stillhere binary', 'STILLHERE_BIN', [
        join(target, 'debug/stillhere'),
        join(target, 'release/stillhere'),
      ]);
    const directory = await mkdtemp(join(tmpdir(), 'stillhere-e2e-'));
    const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', join(directory, 'data')];
    if (config) {
      const file = join(directory, 'stillhere.toml');
      await writeFile(file, stringify(config));
      args.push('--config', file);
    }
    const child = spawn(executable, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
    const server = new Server(child, directory);
    try {
      await inTime('starting the server', server.#ready(), START_MS);
    } catch (error) {
      await server.kill();
      throw new Error(`${error instanceof Error ? error.message : error}\n${server.log}`);
    }
    return server;
  }

  /** @returns {Promise<void>} */
  #ready() {
    const { stdout, stderr } = this.#process;
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
      this.#process.once('error', reject);
      this.#exit.then(({ code, signal }) => reject(new Error(`the server ended early: ${code ?? signal}`)));
    });
  }

  /** Everything that the server wrote, for failure reports. */
  get log() {
    return this.#log.join('\n');
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
    this.#process.kill('SIGTERM');
    try {
      const { code, signal } = await inTime('stopping the server', this.#exit, STOP_MS);
      if (code !== 0) throw new Error(`the server ended with ${code ?? signal} after SIGTERM\n${this.log}`);
    } finally {
      await this.kill();
    }
  }

  /** Ends the server if it still runs, and removes its directory. */
  async kill() {
    if (this.#process.pid !== undefined) {
      this.#process.kill('SIGKILL');
      await this.#exit;
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}
