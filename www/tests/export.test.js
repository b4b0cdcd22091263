import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pieces, plain, write } from '../../js/outbox.js';

/** What a page has. */
const page = Object.assign(new EventTarget(), { hidden: false });

beforeEach(() => {
  page.hidden = false;
  Object.assign(globalThis, {
    document: page,
    location: { origin: 'https://study.example', href: 'https://study.example/' },
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
  });
});

/** @param {unknown} value */
const joined = (value) => [...pieces(value)].join('');

/** @param {number} rows */
const large = (rows) => ({
  inputs: Array.from({ length: rows }, (_, row) => ({ row, at: row * 16.5, key: `k${row % 7}` })),
});

/**
 * @param {object} ours
 * @param {(() => any) | undefined} source
 * @param {boolean} [hurry]
 */
function started(ours, source, hurry = false) {
  const kept = /** @type {any} */ ({ export_id: 'e-1', scene_id: 'grid' });
  /** @type {{ bytes: number, fault: any }[]} */
  const said = [];
  const written = new Promise((resolve) => {
    write(kept, ours, source, {}, hurry, (bytes, _, fault) => {
      said.push({ bytes, fault });
      resolve(undefined);
    });
  });
  return { kept, said, written };
}

test('pieces are what JSON.stringify writes', () => {
  const sparse = [1, 2];
  sparse[5000] = 3;
  const many = (/** @type {unknown} */ value) => Array.from({ length: 600 }, () => value);
  for (const value of [
    1,
    null,
    'text',
    {},
    [],
    large(2000),
    { empty: {}, list: [], deep: { deeper: large(900) } },
    many([undefined, () => 1, Symbol('s'), Number.NaN, null, 1]),
    Object.fromEntries(many(0).map((_, i) => [`k"${i}`, i % 3 ? { a: [i], b: undefined } : undefined])),
    {
      when: many(new Date(0)),
      own: { toJSON: () => large(700) },
      map: new Map([[1, 2]]),
      typed: new Float64Array(1500),
    },
    sparse,
  ]) {
    assert.equal(joined(value), JSON.stringify(value));
  }
  assert.equal(joined(undefined), '');
  const long = '\u{1f600}"\n'.repeat(20_000);
  assert.equal(JSON.parse(joined({ x: long, y: `x${long}` })).y, `x${long}`);
});

test('no piece of a large value is large', () => {
  const longest = Math.max(...[...pieces({ ...large(50_000), text: 'x'.repeat(1e6) })].map((piece) => piece.length));
  assert.ok(longest < 30_000, `${longest}`);
});

test('what contains itself is refused, however large', () => {
  const value = /** @type {any} */ (large(2000));
  value.inputs[1999].self = value;
  assert.throws(() => joined(value), TypeError);
});

test('what is small is written at once', () => {
  const { kept, said } = started({ ours: 1 }, () => ({ game: 2, ours: 3 }));
  assert.deepEqual(said, [{ bytes: 19, fault: undefined }]);
  assert.deepEqual(plain(kept), { game: 2, ours: 1 });
});

test('the page has its turn while something large is written', async () => {
  const data = large(20_000);
  const { kept, said, written } = started({ ours: 1 }, () => data);
  let turns = 0;
  while (said.length === 0) {
    await setImmediate();
    turns += 1;
  }
  await written;
  assert.ok(turns > 10, `${turns}`);
  assert.deepEqual(plain(kept), { ...data, ours: 1 });
  assert.deepEqual(JSON.parse(await kept.body.text()), { ...data, ours: 1 });
  assert.equal(said[0].bytes, kept.body.size);
});

test('nobody waits for a page that is hidden or closed', async () => {
  const data = large(20_000);
  const closing = started({}, () => data, true);
  assert.equal(closing.said.length, 1);
  assert.deepEqual(JSON.parse(await closing.kept.body.text()), data);
  page.hidden = true;
  assert.equal(started({}, () => data).said.length, 1);
});

test('a page that is closed in the middle finishes what it began', async () => {
  const data = large(20_000);
  const { kept, said } = started({ ours: 1 }, () => data);
  assert.equal(said.length, 0);
  page.dispatchEvent(new Event('pagehide'));
  assert.equal(said.length, 1);
  assert.deepEqual(JSON.parse(await kept.body.text()), { ...data, ours: 1 });
  // Nothing comes of it a second time.
  page.dispatchEvent(new Event('pagehide'));
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(said.length, 1);
});

test('data that turn out not to be JSON are left out', async () => {
  const data = large(20_000);
  data.inputs.push(/** @type {any} */ ({ row: 1n }));
  const { kept, said, written } = started({ ours: 1 }, () => data);
  await written;
  assert.deepEqual(plain(kept), { ours: 1 });
  assert.ok(said[0].fault instanceof TypeError);
});
