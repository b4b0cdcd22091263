// node in-node.js DIST MUG: the figures of measure.js in Node, as JSON. What the session asks of a page is put there first.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [dist, mug] = process.argv.slice(2);
const page = Object.assign(new EventTarget(), {
  hidden: false,
  visibilityState: 'visible',
  hasFocus: () => true,
});
const listeners = new EventTarget();
Object.assign(globalThis, {
  window: globalThis,
  document: page,
  location: new URL('http://127.0.0.1/'),
  addEventListener: listeners.addEventListener.bind(listeners),
  removeEventListener: listeners.removeEventListener.bind(listeners),
});

const { default: init, ParticipantSession } = await import(pathToFileURL(join(dist, 'stillhere.js')).href);
await init(await readFile(join(dist, 'stillhere.wasm')));
const { ContinuousMonitor } = mug ? await import(pathToFileURL(mug).href) : { ContinuousMonitor: undefined };
const { building, quick } = await import('./measure.js');
const log = console.log;
// MUG says what it does, and only the figures are wanted.
console.log = () => {};
const figures = quick(ParticipantSession, ContinuousMonitor);
for (const samples of [1e3, 1e4, 1e5, 1e6]) figures.push(...building(ParticipantSession, samples));
log(JSON.stringify(figures));
process.exit(0);
