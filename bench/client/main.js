// npm run bench:client: the client beside its peers, in one run; writes bench/RESULTS-CLIENT.md. STILLHERE_BENCH_MUG names MUG's
// continuous_monitor.js (Python package `multi-user-gymnasium`, mug/server/static/js); without it the package is fetched by pip.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Pages } from './chromium.js';
import { open } from './site.js';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const MUG = '0.1.3';
const REPEATS = 7;
const EXPORT_BYTES = 20e6;
const SAMPLES = [1e3, 1e4, 1e5, 1e6];

/** @typedef {{ name: string, unit: string, times: Record<string, number[]> }} Figure */

/** @param {string} folder where MUG's script goes, as a module of Node's too */
async function mugScript(folder) {
  let path = process.env.STILLHERE_BENCH_MUG;
  if (!path) {
    await run('python3', ['-m', 'venv', join(folder, 'venv')]);
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', folder, `multi-user-gymnasium==${MUG}`];
    await run(join(folder, 'venv/bin/python'), pip);
    const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    const name = 'mug/server/static/js/continuous_monitor.js';
    await run('python3', ['-m', 'zipfile', '-e', join(folder, wheel ?? ''), folder]);
    path = join(folder, name);
  }
  const script = join(folder, 'mug.mjs');
  await writeFile(script, await readFile(path));
  return script;
}

/** @param {number[]} values @returns {[number, number, number]} */
function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return [sorted[0], sorted[sorted.length >> 1], sorted[sorted.length - 1]];
}

const round = (/** @type {number} */ value) => (value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0));
const three = (/** @type {number[]} */ values) => spread(values).map(round).join(' / ');

/** Ours by theirs, round by round. @param {number[]} ours @param {number[]} theirs */
const ratios = (ours, theirs) => ours.map((value, i) => value / theirs[i]);

/** @param {string} where @param {Figure[]} figures */
function table(where, figures) {
  const lines = figures.map(({ name, unit, times }) => {
    const { stillhere, plain, mug } = times;
    const cells = [
      `${name}, ${unit}`,
      three(stillhere),
      three(plain),
      mug ? three(mug) : '',
      three(ratios(stillhere, plain)),
      mug ? three(ratios(stillhere, mug)) : '',
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return `## ${where}

| | stillhere | plain JavaScript | MUG | ratio to plain | ratio to MUG |
|---|---|---|---|---|---|
${lines.join('\n')}
`;
}

/** @param {Pages} pages @param {boolean} withMug */
async function inChromium(pages, withMug) {
  await pages.load();
  /** @type {Figure[]} */
  const figures = await pages.call('quick', withMug);
  for (const samples of SAMPLES) {
    await pages.load();
    figures.push(...(await pages.call('building', samples)));
  }
  /** @type {Figure} */
  const attach = { name: 'from nothing to a session', unit: 'ms', times: { stillhere: [], plain: [] } };
  const sides = withMug ? ['stillhere', 'plain', 'mug'] : ['stillhere', 'plain'];
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    for (const side of sides) {
      await pages.load();
      attach.times[side] ??= [];
      attach.times[side].push(await pages.call('attach', side));
    }
  }
  figures.push(attach);
  return figures;
}

/** @param {string} address @returns {Promise<Figure[]>} */
async function exporting(address) {
  const size = `${EXPORT_BYTES / 1e6} MB`;
  /** @type {Figure} */
  const held = {
    name: `${size} exported: longest task of the main thread`,
    unit: 'ms',
    times: { stillhere: [], plain: [] },
  };
  /** @type {Figure} */
  const took = { name: `${size} exported: until the server has it`, unit: 'ms', times: { stillhere: [], plain: [] } };
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    for (const side of ['stillhere', 'plain']) {
      // A browser of its own: the driver's trace has an end, and what is after it is lost.
      const pages = await Pages.open(address);
      try {
        await pages.load();
        await pages.call('beginExport', side, EXPORT_BYTES);
        // The data are old by then, as those of a game are.
        await pages.heap();
        await pause(1000);
        took.times[side].push(await pages.call('finishExport'));
        held.times[side].push(await pages.longestTask('export'));
      } finally {
        await pages.close();
      }
    }
  }
  return [held, took];
}

/** @param {Pages} pages */
async function hour(pages) {
  const lines = [];
  const samples = [];
  for (const side of ['stillhere', 'plain']) {
    await pages.load();
    await pages.call('beginHour', side);
    for (let minutes = 10; minutes <= 60; minutes += 10) {
      const wasm = await pages.call('tenMinutes');
      const heap = await pages.heap();
      const kib = (/** @type {number} */ bytes) => Math.round(bytes / 1024).toLocaleString('en');
      lines.push(`| ${side} | ${minutes} | ${kib(heap)} | ${kib(wasm)} |`);
    }
    samples.push(`${side} ${(await pages.call('samples')).toLocaleString('en')}`);
  }
  return `## An hour of play

In virtual time: 72,000 beats of the ticker, 216,000 frames, a ping each second. What JavaScript holds after a full collection, and the
memory of WebAssembly, in KiB. What grows is the samples, all of which are exported: ${samples.join(', ')}.

| | minutes | JavaScript | WebAssembly |
|---|---|---|---|
${lines.join('\n')}
`;
}

const scratch = await mkdtemp(join(os.tmpdir(), 'stillhere-bench-'));
try {
  const mug = await mugScript(scratch).catch((error) => {
    console.error(`without MUG: ${error.message}`);
    return undefined;
  });
  const site = await open(mug);
  const pages = await Pages.open(site.address);
  try {
    const load = os.loadavg()[0].toFixed(1);
    const chromium = await inChromium(pages, mug !== undefined);
    const exported = await exporting(site.address);
    const played = await hour(pages);
    const args = [join(here, 'in-node.js'), join(root, 'dist'), ...(mug ? [mug] : [])];
    const { stdout } = await run(process.execPath, args, { maxBuffer: 1e8 });
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    const text = `# The client beside its peers

Written by \`npm run bench:client\`; what the peers are is in [README.md](README.md). Each cell is min / median / max, ratios are of the
rounds of one run: below 1 ours is quicker.

stillhere ${version}${mug ? `, MUG ${MUG}` : ''}; Chromium ${await pages.version()}, Node ${process.versions.node}; ${os.cpus()[0]?.model}, ${os.cpus().length}
processors, ${Math.round(os.totalmem() / 2 ** 30)} GiB, load ${load} at the start; ${new Date().toISOString().slice(0, 10)}.

${table('Chromium', [...chromium, ...exported])}
${table('Node', JSON.parse(stdout))}
${played}`;
    await writeFile(join(root, 'bench/RESULTS-CLIENT.md'), text);
    console.log(text);
  } finally {
    await pages.close();
    site.close();
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
