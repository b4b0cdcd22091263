// node measure.mjs FILE...: each file's name, raw, gzip and brotli size in bytes, tab-separated. Scripts are minified
// first, since whoever cares about size serves them so.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { transform } from 'esbuild';

for (const path of process.argv.slice(2)) {
  const isScript = path.endsWith('.js');
  const content = isScript
    ? Buffer.from((await transform(await readFile(path, 'utf8'), { minify: true, format: 'esm' })).code)
    : await readFile(path);
  const name = isScript ? `${basename(path)} (minified)` : basename(path);
  // Brotli's default quality is its highest, 11.
  const sizes = [content, gzipSync(content, { level: 9 }), brotliCompressSync(content)];
  console.log([name, ...sizes.map((bytes) => bytes.length)].join('\t'));
}
