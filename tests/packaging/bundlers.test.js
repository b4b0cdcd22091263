import assert from 'node:assert/strict';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { build as bundle } from 'esbuild';
import { build, createServer } from 'vite';
import webpack from 'webpack';
import { installed, project, typeCheck } from './support/packed.js';
import { Site } from './support/site.js';
import { joins, visit } from './support/visit.js';

/**
 * A built page, under the strict policy, and what it is made of.
 *
 * @param {string} folder
 * @param {string} path
 */
async function joinsFrom(folder, path) {
  /** @type {string[]} */
  let asked = [];
  await visit(async (visiting) => {
    const site = await Site.open(folder, visiting.server.url);
    try {
      await joins(visiting, `${site.url}${path}?participant=ada`);
      asked = site.asked;
    } finally {
      await site.close();
    }
  });
  return asked;
}

/** @param {string[]} asked */
const modules = (asked) => asked.filter((path) => path.endsWith('.wasm')).length;

describe('a Vite project', () => {
  /** @type {string} */
  let folder;

  before(async () => {
    folder = await project('vite');
  });

  test('is type-checked strictly, the declarations of the package with it', () => typeCheck(folder));

  describe('built', () => {
    before(() => build({ root: folder, logLevel: 'warn' }));

    test('plays with the module beside the script', async () => {
      assert.equal(modules(await joinsFrom(join(folder, 'dist'), '/')), 1);
    });

    test('plays with the module whose address it was told', async () => {
      assert.equal(modules(await joinsFrom(join(folder, 'dist'), '/url.html')), 1);
    });

    test('plays with the module within the script', async () => {
      assert.equal(modules(await joinsFrom(join(folder, 'dist'), '/inline.html')), 0);
    });
  });

  for (const page of ['index.html', 'url.html', 'inline.html']) {
    test(`plays while it is developed (${page})`, () =>
      visit(async (visiting) => {
        const proxy = { '/socket.io': { target: visiting.server.url, ws: true } };
        const vite = await createServer({
          root: folder,
          logLevel: 'warn',
          server: { host: '127.0.0.1', port: 0, proxy, watch: null },
        });
        try {
          await vite.listen();
          await joins(visiting, `${vite.resolvedUrls?.local[0]}${page}?participant=ada`);
          await visiting.browser.driver.get('about:blank');
        } finally {
          await vite.close();
        }
      }));
  }
});

describe('a webpack project', () => {
  /** @type {string} */
  let folder;

  before(async () => {
    folder = await project('webpack');
    const { default: configuration } = await import(pathToFileURL(join(folder, 'webpack.config.js')).href);
    const stats = await new Promise((resolve, reject) => {
      webpack(configuration, (error, done) => (error ? reject(error) : resolve(done)));
    });
    assert.deepEqual([stats.toJson().errors, stats.toJson().warnings], [[], []]);
  });

  test('is type-checked strictly, the declarations of the package with it', () => typeCheck(folder));

  test('plays with the module beside the script', async () => {
    assert.equal(modules(await joinsFrom(folder, '/')), 1);
  });

  test('plays with the module within the script', async () => {
    assert.equal(modules(await joinsFrom(folder, '/inline.html')), 0);
  });

  test('has one module, whichever entry asks for it', async () => {
    const files = await readdir(join(folder, 'dist'));
    assert.equal(files.filter((name) => name.endsWith('.wasm')).length, 1, files.join());
  });
});

describe('a project of a bundler that takes no files along (esbuild)', () => {
  test('plays with the files copied beside its output', async () => {
    const folder = await project('webpack');
    await bundle({
      absWorkingDir: folder,
      entryPoints: ['main.js'],
      outdir: 'dist',
      bundle: true,
      format: 'esm',
      logLevel: 'silent',
    });
    for (const file of ['stillhere.wasm', 'ticker.js']) {
      await copyFile(join(installed(folder), 'dist', file), join(folder, 'dist', file));
    }
    const page = join(folder, 'index.html');
    const text = await readFile(page, 'utf8');
    await writeFile(page, text.replace('script defer', 'script type="module"'));
    assert.equal(modules(await joinsFrom(folder, '/')), 1);
  });
});
