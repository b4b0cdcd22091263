/** What the pages load, and a server that takes exports in. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

/** @type {Record<string, string>} */
const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
const PAGE = '<!doctype html><title>bench</title><script type="module" src="/bench/in-page.js"></script>';

/**
 * Serves `/dist/…`, `/bench/…` and, as `/mug.js`, MUG's script; chunks of exports are counted and thrown away.
 *
 * @param {string | undefined} mug
 */
export async function open(mug) {
  const server = createServer(async (request, answer) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method === 'PATCH') {
      let bytes = 0;
      for await (const chunk of request) bytes += chunk.length;
      const received = Number(request.headers['upload-offset']) + bytes;
      const stored = request.headers['upload-complete'] === '?1';
      const export_id = decodeURIComponent(pathname.split('/').at(-1) ?? '');
      answer.setHeader('content-type', 'application/json');
      answer.end(JSON.stringify({ ok: true, export_id, received, stored, duplicate: false }));
      return;
    }
    try {
      const [, folder, ...rest] = pathname.split('/');
      const name = rest.join('/');
      const path = folder === 'dist' ? join(root, 'dist', name) : join(here, name);
      const content = pathname === '/' ? PAGE : await readFile(pathname === '/mug.js' ? (mug ?? '') : path);
      answer.setHeader('content-type', TYPES[extname(pathname)] ?? 'text/html').end(content);
    } catch {
      answer.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { address: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
