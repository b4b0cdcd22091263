import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { root } from '../../e2e/support/paths.js';
import { inTime, until } from '../../e2e/support/wait.js';

const START_MS = 20_000;
const STOP_MS = 15_000;

/** Goes when its input ends, so it outlives no test, however that ends. */
const POSTGRES = '"$1" -D "$2" -p "$3" -k "$4" -c listen_addresses=127.0.0.1 & cat >/dev/null; kill -INT $!; wait';
const OTHERS = '"$@" & cat >/dev/null; kill -TERM $!; wait';

/** A port of nobody's, below those that the system gives to outgoing connections. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer();
    const free = await new Promise((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/** @param {number} port */
function listens(port) {
  return new Promise((resolve) => {
    const line = connect(port, '127.0.0.1');
    line.once('connect', () => resolve(true)).once('error', () => resolve(false));
    line.once('connect', () => line.destroy());
  });
}

/** One program of other people's, which can be stopped and started again. */
class Service {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #shell;
  log = '';
  #command;
  #variables;

  /** @param {string} name @param {number} port @param {string[]} command @param {Record<string, string>} [variables] */
  constructor(name, port, command, variables = {}) {
    this.name = name;
    this.port = port;
    this.#command = command;
    this.#variables = variables;
  }

  async start() {
    const [program, ...args] = this.#command;
    const shell = spawn(program, args, {
      cwd: '/',
      env: { ...process.env, ...this.#variables },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.on('data', (data) => {
        this.log += data;
      });
    }
    this.#shell = shell;
    try {
      await until(`${this.name} to listen`, () => listens(this.port), { within: START_MS });
    } catch (error) {
      throw new Error(`${this.name} did not start:\n${this.log}`, { cause: error });
    }
  }

  async stop() {
    const shell = this.#shell;
    if (!shell || shell.exitCode !== null) return;
    const over = new Promise((resolve) => shell.once('exit', resolve));
    shell.stdin?.end();
    await inTime(`stopping ${this.name}`, over, STOP_MS);
  }
}

function postgresPrograms() {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const places = [
    process.env.POSTGRES_BIN ?? '',
    ...versions.map((version) => join('/usr/lib/postgresql', version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  const found = places.find(
    (place) => place && existsSync(join(place, 'initdb')) && existsSync(join(place, 'postgres')),
  );
  if (!found) throw new Error('PostgreSQL was not found: install it, or name the folder of initdb in POSTGRES_BIN');
  return found;
}

/** @param {string} name @param {string} variable */
function program(name, variable) {
  const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const found = process.env[variable] || places.map((place) => join(place, name)).find((path) => existsSync(path));
  if (!found) throw new Error(`${name} was not found: install it, or name it in ${variable}`);
  return found;
}

/** A PostgreSQL with a fresh cluster. */
export async function postgres() {
  const programs = postgresPrograms();
  const directory = await mkdtemp(join(tmpdir(), 'stillhere-pg-'));
  const port = await freePort();
  // It refuses to run as root.
  const as = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--'] : [];
  if (as.length > 0) execFileSync('chown', ['postgres', directory]);
  const data = join(directory, 'data');
  const initdb = [...as, join(programs, 'initdb'), '-D', data, '-U', 'stillhere', '--auth=trust', '-N'];
  execFileSync(initdb[0], initdb.slice(1), { cwd: '/', stdio: 'ignore' });
  const server = join(programs, 'postgres');
  const command = [...as, 'sh', '-c', POSTGRES, 'sh', server, data, String(port), directory];
  const service = new Service('PostgreSQL', port, command);
  await service.start();
  const url = `postgres://stillhere@127.0.0.1:${port}/postgres`;
  return Object.assign(service, {
    url,
    /** The first column of all rows. @param {string} sql */
    ask: (sql) =>
      execFileSync(program('psql', 'PSQL'), ['-XAtc', sql, url], { encoding: 'utf8' }).split('\n').filter(Boolean),
    /** Saves everything by `pg_dump`, as an operator would. */
    save: () => execFileSync(join(programs, 'pg_dump'), ['--clean', '--if-exists', url], { encoding: 'utf8' }),
    /** Brings back what was saved, and nothing else. @param {string} saved */
    restore(saved) {
      const psql = [program('psql', 'PSQL'), '-Xq', '-v', 'ON_ERROR_STOP=1', url];
      /** @type {import('node:child_process').ExecFileSyncOptions} */
      const options = { stdio: ['pipe', 'ignore', 'inherit'] };
      execFileSync(psql[0], [...psql.slice(1), '-c', 'DROP SCHEMA public CASCADE; CREATE SCHEMA public'], options);
      execFileSync(psql[0], psql.slice(1), { ...options, input: saved });
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  });
}

/** A Redis that keeps nothing. */
export async function redis() {
  const port = await freePort();
  const server = [program('redis-server', 'REDIS_SERVER'), '--port', String(port), '--bind', '127.0.0.1', '--save', ''];
  const service = new Service('Redis', port, ['sh', '-c', OTHERS, 'sh', ...server]);
  await service.start();
  return Object.assign(service, { url: `redis://127.0.0.1:${port}` });
}

/** HAProxy as it is deployed. @param {number[]} nodes the ports of three servers */
export async function haproxy(nodes) {
  const port = await freePort();
  const variables = Object.fromEntries(
    nodes.map((node, index) => [`STILLHERE_NODE_${index + 1}`, `127.0.0.1:${node}`]),
  );
  const command = [program('haproxy', 'HAPROXY'), '-db', '-f', join(root, 'deploy/haproxy.cfg')];
  const service = new Service('HAProxy', port, ['sh', '-c', OTHERS, 'sh', ...command], {
    ...variables,
    STILLHERE_FRONT: `127.0.0.1:${port}`,
  });
  await service.start();
  return Object.assign(service, { url: `http://127.0.0.1:${port}` });
}
