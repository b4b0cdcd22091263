// node measure.mjs FILE...: each file's name, raw, gzip and brotli size in bytes, tab-separated.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

for (const path of process.argv.slice(2)) {
  const content = await readFile(path);
  // Brotli's default quality is its highest, 11.
  const sizes = [content, gzipSync(content, { level: 9 }), brotliCompressSync(content)];
  console.log([basename(path), ...sizes.map((bytes) => bytes.length)].join('\t'));
}
