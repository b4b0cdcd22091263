import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { integrity, project, typeCheck } from './support/packed.js';
import { Site } from './support/site.js';
import { joins, visit } from './support/visit.js';

describe('pages without a bundler, under a strict policy, with integrity attributes', () => {
  /** @type {string} */
  let folder;

  before(async () => {
    folder = await project('plain');
    const hashes = await integrity(folder);
    for (const page of ['module.html', 'inline.html', 'classic.html']) {
      const path = join(folder, page);
      const text = await readFile(path, 'utf8');
      await writeFile(
        path,
        text.replace(/\{\{(.+?)\}\}/, (_, name) => hashes[name]),
      );
    }
  });

  test('are type-checked strictly, the declarations of the package with them', () => typeCheck(folder));

  for (const [page, expected] of Object.entries({
    'module.html': ['stillhere.js', 'stillhere.wasm', 'ticker.js'],
    'inline.html': ['inline.js', 'ticker.js'],
    'classic.html': ['stillhere.global.js', 'stillhere.wasm', 'ticker.js'],
  })) {
    test(`${page} plays, and has loaded ${expected.join(', ')}`, () =>
      visit(async (visiting) => {
        const site = await Site.open(folder, visiting.server.url);
        try {
          await joins(visiting, `${site.url}/${page}?participant=ada`);
        } finally {
          await site.close();
        }
        const ours = site.asked.filter((path) => path.includes('/stillhere/'));
        assert.deepEqual(
          ours.map((path) => path.split('/').at(-1)),
          expected,
        );
      }));
  }
});
