// node package.mjs OUT: everything in `dist/` that is published, out of `js/` and `pkg/`.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { declarations } from './declarations.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const out = process.argv[2];
const { version, license } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

/** What the sources find by their place in the checkout lies beside the built script. @type {Record<string, string>} */
const BESIDE = {
  "new URL('../pkg/stillhere_bg.wasm', import.meta.url)": "new URL('./stillhere.wasm', import.meta.url)",
  "new URL('../../../../js/ticker.js', import.meta.url)": "new URL('./ticker.js', import.meta.url)",
};

/** @type {import('esbuild').Plugin} */
const beside = {
  name: 'beside',
  setup({ onLoad }) {
    onLoad({ filter: /\/js\/(index|page)\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, 'utf8');
      const [here, ...others] = Object.keys(BESIDE).filter((address) => contents.includes(address));
      if (here === undefined || others.length > 0 || contents.split('import.meta').length !== 2) {
        throw new Error(`${relative(root, path)} does not look for exactly one file beside it`);
      }
      contents = contents.replace(here, BESIDE[here]);
      return { contents, loader: 'js' };
    });
  },
};

/** The session is one module in the page, whoever else imports it. @type {import('esbuild').Plugin} */
const oneSession = {
  name: 'one-session',
  setup({ onResolve }) {
    onResolve({ filter: /\/index\.js$/ }, () => ({ path: './stillhere.js', external: true }));
  },
};

/** The same for classic scripts. @type {import('esbuild').Plugin} */
const globalSession = {
  name: 'global-session',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/index\.js$/ }, () => ({ path: 'stillhere', namespace: 'global' }));
    onLoad({ filter: /.*/, namespace: 'global' }, () => ({
      contents: `
        const { stillhere } = globalThis;
        if (!stillhere) throw new Error('stillhere.global.js must be loaded before this script');
        export const { init, ParticipantSession, sendLeftOvers } = stillhere;
      `,
    }));
  },
};

/** @type {import('esbuild').BuildOptions} */
const module = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  sourcemap: true,
  loader: { '.wasm': 'binary' },
  legalComments: 'none',
  banner: { js: `/*! stillhere ${version} | ${license} */` },
  plugins: [beside],
  logLevel: 'warning',
  // wasm-bindgen names a script once for each function that it takes from it.
  logOverride: { 'duplicate-object-key': 'silent' },
};

/** A classic script: nothing in it but what it sets is seen outside. @type {import('esbuild').BuildOptions} */
const classic = {
  ...module,
  format: 'iife',
  inject: ['js/current-script.js'],
  define: { 'import.meta.url': 'address' },
};

/** @type {Record<string, import('esbuild').BuildOptions>} */
const SCRIPTS = {
  'stillhere.js': { ...module, entryPoints: ['js/index.js'] },
  'inline.js': { ...module, entryPoints: ['js/inline.js'] },
  'mug.js': { ...module, entryPoints: ['js/mug.js'], plugins: [oneSession] },
  'jspsych.js': { ...module, entryPoints: ['js/jspsych.js'], plugins: [oneSession] },
  'stillhere.global.js': { ...classic, entryPoints: ['js/global.js'] },
  'jspsych.global.js': { ...classic, entryPoints: ['js/jspsych-global.js'], plugins: [globalSession] },
  'ticker.js': { ...module, bundle: false, entryPoints: ['js/ticker.js'], sourcemap: false },
};

await mkdir(out, { recursive: true });
await copyFile(join(root, 'pkg/stillhere_bg.wasm'), join(out, 'stillhere.wasm'));

/** @type {Record<string, string>} */
const integrity = {};
for (const [name, options] of Object.entries(SCRIPTS)) {
  // As if it were made where it is going to lie: source maps name their sources from there.
  const made = await build({ ...options, outfile: join(root, 'dist', name), write: false });
  // A warning of the bundler is what fails in somebody's page.
  if (made.warnings.length > 0) process.exit(1);
  for (const { path, contents } of made.outputFiles) await writeFile(join(out, basename(path)), contents);
  const content = await readFile(join(out, name));
  integrity[name] = `sha384-${createHash('sha384').update(content).digest('base64')}`;
}
await writeFile(join(out, 'integrity.json'), `${JSON.stringify(integrity, null, 2)}\n`);

for (const [name, text] of await declarations(root)) {
  await mkdir(dirname(join(out, name)), { recursive: true });
  await writeFile(join(out, name), text);
}
