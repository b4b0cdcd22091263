import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../../e2e/support/paths.js';
import { inTime, until } from '../../e2e/support/wait.js';
import { experiment, prepare, python } from './setup.js';

const READY = /^MUG is serving at (http:\/\/\S+)$/;
const START_MS = 60_000;

/**
 * @typedef {object} Settings
 * @property {Record<string, unknown>} [scene] what `GymScene.multiplayer()` gets; `own_rule`: a callback too
 * @property {number} [episodes]
 * @property {number} [steps] in an episode
 * @property {number} [games] one after the other
 * @property {string} [body] of the first scene
 */

/** MUG's own server with the study of serve.py, in a directory of its own. */
export class Mug {
  /** @type {string[]} */
  #log = [];

  /**
   * @param {string} directory
   * @param {import('node:child_process').ChildProcess} child
   */
  constructor(directory, child) {
    this.directory = directory;
    this.child = child;
    this.url = '';
    this.exit = new Promise((resolve) => child.once('exit', resolve));
  }

  /** @param {Settings} settings */
  static async start(settings) {
    await prepare();
    const directory = await mkdtemp(join(tmpdir(), 'stillhere-mug-'));
    // As the researcher copies it there.
    const own = join(directory, 'stillhere');
    await mkdir(own);
    for (const name of ['js', 'pkg']) await symlink(join(root, name), join(own, name), 'junction');
    const child = spawn(python, ['-W', 'ignore', join(experiment, 'serve.py'), JSON.stringify(settings)], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const mug = new Mug(directory, child);
    try {
      await inTime('starting MUG', mug.#ready(), START_MS);
    } catch (error) {
      await mug.stop();
      throw new Error(`${error instanceof Error ? error.message : error}\n${mug.log}`);
    }
    return mug;
  }

  /** @returns {Promise<void>} */
  #ready() {
    const { stdout, stderr } = this.child;
    if (!stdout || !stderr) throw new Error('MUG was started without pipes');
    createInterface({ input: stderr }).on('line', (line) => this.#log.push(line));
    return new Promise((resolve, reject) => {
      createInterface({ input: stdout }).on('line', (line) => {
        this.#log.push(line);
        const match = READY.exec(line);
        if (!match) return;
        this.url = match[1];
        resolve();
      });
      this.child.once('error', reject);
      this.exit.then(() => reject(new Error('MUG ended early')));
    });
  }

  /** Everything that MUG wrote, for failure reports. */
  get log() {
    return this.#log.join('\n');
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  /** @param {string} [scene] @returns {Promise<string[]>} the names of the files in which MUG keeps what it was sent in this scene */
  files(scene = 'corridor') {
    return readdir(join(this.directory, 'data/mug', scene)).catch(() => []);
  }

  /**
   * The metrics of a participant as MUG has stored them, once they are as they should be: it writes a file anew whenever the page
   * sends them anew.
   *
   * @param {string} participant
   * @param {{ scene?: string, accept?: (metrics: any) => boolean }} [options]
   */
  metricsOf(participant, { scene = 'corridor', accept = () => true } = {}) {
    const file = join(this.directory, 'data/mug', scene, `${participant}_multiplayer_metrics.json`);
    return until(`MUG to store the metrics of ${participant}`, async () => {
      const metrics = JSON.parse(await readFile(file, 'utf8'));
      if (!accept(metrics)) throw new Error(JSON.stringify(metrics.sessionStatus));
      return metrics;
    });
  }

  /** @param {string} participant @returns {Promise<any>} what MUG has stored of the code that the participant was given */
  codeOf(participant) {
    const file = join(this.directory, `data/mug/completion_codes/${participant}.json`);
    return until(`MUG to store the code of ${participant}`, async () => JSON.parse(await readFile(file, 'utf8')));
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined) {
      this.child.kill('SIGKILL');
      await this.exit;
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}
