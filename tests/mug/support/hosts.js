import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { modules, wheels } from './setup.js';

// MUG's page loads its libraries from hosts that a test must not depend on. Its page and its server stay as they are: the
// browser's requests to these hosts are sent on to a server of ours, which has the npm packages of the same libraries in the
// same versions.

/** @type {Record<string, string>} */
const LIBRARIES = {
  'https://ajax.googleapis.com/ajax/libs/jquery/3.7.1/jquery.min.js': 'jquery/dist/jquery.min.js',
  'https://cdnjs.cloudflare.com/ajax/libs/phaser/3.80.1/phaser.min.js': 'phaser/dist/phaser.min.js',
  'https://cdnjs.cloudflare.com/ajax/libs/socket.io/4.7.2/socket.io.js': 'socket.io-client/dist/socket.io.js',
  'https://cdnjs.cloudflare.com/ajax/libs/onnxruntime-web/1.10.0/ort.min.js': 'onnxruntime-web/dist/ort.min.js',
  // The package holds the source only, which the host shortens by itself.
  'https://cdn.jsdelivr.net/npm/ua-parser-js@1.0.38/src/ua-parser.min.js': 'ua-parser-js/src/ua-parser.js',
};

const PYODIDE = 'https://cdn.jsdelivr.net/pyodide/v0.26.2/full/';

/** @type {Record<string, string>} */
const TYPES = { js: 'text/javascript', json: 'application/json', wasm: 'application/wasm', css: 'text/css' };

/** @param {string} url @returns {string | Buffer | undefined} the file with what is there, or what is there */
function content(url) {
  if (LIBRARIES[url]) return join(modules, LIBRARIES[url]);
  if (url.startsWith('https://fonts.')) return Buffer.from('');
  if (!url.startsWith(PYODIDE)) return undefined;
  const name = url.slice(PYODIDE.length);
  if (name === 'pyodide-lock.json') return Buffer.from(JSON.stringify(lock()));
  return name.endsWith('.whl') ? join(wheels, name) : join(modules, 'pyodide', name);
}

/** Pyodide's list of packages, with the checksums of PyPI's files in place of those that Pyodide built itself. */
function lock() {
  const list = JSON.parse(readFileSync(join(modules, 'pyodide/pyodide-lock.json'), 'utf8'));
  for (const wheel of readdirSync(wheels)) {
    const named = Object.values(list.packages).find(({ file_name }) => file_name === wheel);
    if (!named) throw new Error(`Pyodide's list has no ${wheel}`);
    const hash = createHash('sha256').update(readFileSync(join(wheels, wheel)));
    named.sha256 = hash.digest('hex');
  }
  return list;
}

/** Has what the other hosts have. */
export class OtherHosts {
  #server = createServer((request, response) => {
    const url = decodeURIComponent((request.url ?? '').slice(1));
    const found = content(url);
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Content-Type', TYPES[url.split('.').at(-1) ?? ''] ?? 'application/octet-stream');
    if (url.startsWith('https://fonts.')) response.setHeader('Content-Type', TYPES.css);
    if (typeof found !== 'string') response.writeHead(found ? 200 : 404).end(found);
    else
      createReadStream(found)
        .on('error', () => response.writeHead(404).end())
        .pipe(response);
  });

  async start() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve(undefined)));
  }

  /**
   * Stands for the other hosts in this tab from now on.
   *
   * @param {import('./devtools.js').Devtools} devtools
   */
  async answerIn(devtools) {
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.#server.address());
    devtools.on('Fetch.requestPaused', ({ requestId, request: { url } }) => {
      const location = `http://127.0.0.1:${port}/${encodeURIComponent(url)}`;
      const responseHeaders = [
        { name: 'Location', value: location },
        { name: 'Access-Control-Allow-Origin', value: '*' },
      ];
      devtools.tell('Fetch.fulfillRequest', { requestId, responseCode: 302, responseHeaders });
    });
    await devtools.send('Fetch.enable', { patterns: [{ urlPattern: 'https://*' }] });
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
