import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { transform } from 'esbuild';

test("the worker's script and the one within the page's are the same", async () => {
  const read = (/** @type {string} */ name) => readFile(new URL(`../../js/${name}`, import.meta.url), 'utf8');
  const within = /const TICKER = '(.*)';/.exec(await read('page.js'))?.[1] ?? '';
  const same = async (/** @type {string} */ source) =>
    (await transform(source, { minify: true })).code.replace(/^self\./, '');
  assert.equal(await same(within), await same(await read('ticker.js')));
});
