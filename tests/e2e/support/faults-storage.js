import { execFile, execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import Database from 'libsql';
import { copyDatabase, readBooks } from './faults-audit.js';

/** @typedef {import('./server.js').Server} Server */

const run = promisify(execFile);

/**
 * @typedef {import('./faults-audit.js').Books} Books
 *
 * A storage that can be made to fail and to work again.
 *
 * @typedef {object} FaultyStorage
 * @property {string} name
 * @property {() => string | null} whyNot why this machine cannot have it, or null if it can
 * @property {string[]} launcher what the server is started by
 * @property {(server: Server) => Promise<Books>} books what is stored
 * @property {(server: Server) => Promise<unknown>} fail
 * @property {(server: Server) => Promise<unknown>} work
 */

/** @param {string} program @param {...string} args */
function whyNotRun(program, ...args) {
  try {
    execFileSync(program, args, { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `${program} does not work here: ${error instanceof Error ? error.message.trim() : error}`;
  }
}

/** What is over the limit fails with an error instead of a signal that ends the process. */
const IGNORE_SIGNAL = ['sh', '-c', `trap '' XFSZ; exec "$@"`, 'sh'];
/** The database is larger from the start, and so is its log: nothing at all can be written. */
const LIMIT_BYTES = 4096;

/** @type {FaultyStorage} */
export const limitedFiles = {
  name: 'files may not grow any more',
  whyNot: () => whyNotRun('prlimit', '--version'),
  launcher: IGNORE_SIGNAL,
  books: async ({ databasePath }) => readBooks(databasePath),
  fail: ({ pid }) => run('prlimit', ['--pid', String(pid), `--fsize=${LIMIT_BYTES}:unlimited`]),
  work: ({ pid }) => run('prlimit', ['--pid', String(pid), '--fsize=unlimited:unlimited']),
};

/** As {@link limitedFiles}; what helps is a new start, after its end by force. @type {FaultyStorage} */
export const limitedFilesUntilKilled = {
  ...limitedFiles,
  name: 'files may not grow any more until the server, killed by then, is started again',
  work: async (server) => {
    await server.crash();
    await server.startAgain();
  },
};

/** As {@link limitedFiles}; what helps is a new start, after the end that its operator asked for. @type {FaultyStorage} */
export const limitedFilesUntilStopped = {
  ...limitedFiles,
  name: 'files may not grow any more until the server, stopped by then, is started again',
  work: async (server) => {
    await server.stop();
    await server.startAgain();
  },
};

const OWN_MOUNTS = ['unshare', '--user', '--map-root-user', '--mount'];
const MOUNT = 'mount -t tmpfs -o size=4m tmpfs';

/** @param {Server} server the server's own view of a path of its directory @param {string} path */
const seenBy = (server, path) => `/proc/${server.pid}/root${path}`;

/** A small file system of the server's own, which somebody else fills to the last byte. @type {FaultyStorage} */
export const fullDisk = {
  name: 'the disk is full',
  whyNot: () => whyNotRun(OWN_MOUNTS[0], ...OWN_MOUNTS.slice(1), 'sh', '-c', `${MOUNT} /mnt`),
  launcher: [...OWN_MOUNTS, 'sh', '-c', `mkdir -p data && ${MOUNT} data && exec "$@"`, 'sh'],
  // SQLite would follow the link to a path that means something else here.
  books: async (server) => readBooks(await copyDatabase(seenBy(server, server.databasePath), server.directory)),
  fail: async (server) => {
    // It fails when nothing is left, which is what it is for.
    await run('sh', ['-c', `! cat /dev/zero > '${seenBy(server, dirname(server.databasePath))}/filler' 2> /dev/null`]);
  },
  work: (server) => run('rm', [`${seenBy(server, dirname(server.databasePath))}/filler`]),
};

/**
 * Takes the lock that every writer needs, as a backup does, or a curious hand with a database tool.
 *
 * @param {string} path of the database
 * @returns {() => void} lets go of it
 */
export function lock(path) {
  const holder = new Database(path, { fileMustExist: true, timeout: 5000 });
  holder.exec('BEGIN IMMEDIATE');
  return () => {
    holder.exec('ROLLBACK');
    holder.close();
  };
}

/** Somebody else holds the lock for longer than the server waits. */
export function lockedDatabase() {
  let release = () => {};
  /** @type {FaultyStorage} */
  const storage = {
    name: 'the database is locked by somebody else',
    whyNot: () => null,
    launcher: [],
    books: async ({ databasePath }) => readBooks(databasePath),
    fail: async ({ databasePath }) => {
      release = lock(databasePath);
    },
    work: async () => release(),
  };
  return storage;
}
