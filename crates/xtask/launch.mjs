// Starts `cargo xtask …` for the npm scripts. It is a script of its own so that a machine without Rust gets one clear
// sentence, and so that stopping npm stops everything.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = [20, 10];
const root = fileURLToPath(new URL('../..', import.meta.url));

/** @param {string} sentence */
function stop(sentence) {
  console.error(`error: ${sentence}`);
  process.exit(1);
}

/** @param {string} version @param {number[]} oldest */
function isOlder(version, oldest) {
  const [major, minor] = version.split('.').map(Number);
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
}

if (isOlder(process.versions.node, OLDEST_NODE)) {
  stop(
    `stillhere needs Node.js ${OLDEST_NODE.join('.')} or newer and this is ${process.versions.node}: ` +
      'install a newer one from https://nodejs.org and try again.',
  );
}

const oldestRust = /^rust-version = "([\d.]+)"/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))?.[1] ?? '0.0';
const cargo = spawnSync('cargo', ['--version'], { cwd: root, encoding: 'utf8' });
if (cargo.error) {
  stop(
    'stillhere needs Rust, and `cargo` is not on the PATH: install it from https://rustup.rs, open a new terminal and try again.',
  );
}
if (cargo.status !== 0) {
  stop(
    `cargo does not work here (${cargo.stderr.trim().split('\n')[0]}): run \`rustup default stable\` and try again.`,
  );
}
const rust = /\d+\.\d+\.\d+/.exec(cargo.stdout)?.[0] ?? '';
if (isOlder(rust, oldestRust.split('.').map(Number))) {
  stop(`stillhere needs Rust ${oldestRust} or newer and this is ${rust}: run \`rustup update stable\` and try again.`);
}

const target = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target');
const built = existsSync(join(target, 'debug', process.platform === 'win32' ? 'xtask.exe' : 'xtask'));
if (!built) {
  console.error('· build tool (the first time only)');
}
// Without a terminal nobody else passes signals on, so the whole family gets a process group that this one can signal.
const ownGroup = !process.stdin.isTTY && process.platform !== 'win32';
const run = ['run', ...(built ? ['--quiet'] : []), '--package', 'xtask', '--', ...process.argv.slice(2)];
const child = spawn('cargo', run, { cwd: root, stdio: 'inherit', detached: ownGroup });

/** @param {NodeJS.Signals} signal */
function pass(signal) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  if (ownGroup) {
    process.kill(-child.pid, signal);
  } else {
    child.kill(signal);
  }
}

// A terminal sends its interrupt to every program itself: passed on, it would arrive twice.
process.on('SIGINT', () => ownGroup && pass('SIGINT'));
process.on('SIGTERM', () => pass('SIGTERM'));
process.on('SIGHUP', () => pass('SIGHUP'));

// npm runs scripts in a shell, and what ends npm may end only that shell.
const parent = process.ppid;
setInterval(() => process.ppid === parent || pass('SIGTERM'), 250).unref();

child.on('error', (error) => stop(`cargo could not be started (${error.message}).`));
child.on('exit', (code, signal) => {
  if (code === 101 && process.platform !== 'win32' && spawnSync('cc', ['--version']).error) {
    stop(
      'Rust needs a C compiler, and `cc` is not on the PATH: install one ' +
        '(Debian, Ubuntu: `sudo apt-get install build-essential`; macOS: `xcode-select --install`) and try again.',
    );
  }
  process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1));
});
