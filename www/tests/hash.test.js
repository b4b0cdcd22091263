import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hash32, hex } from '../hash.js';
import { below } from '../rng.js';

/** @param {string} text four bytes, as the integer that holds them in order */
function word(text) {
  return Buffer.from(text).readUInt32LE();
}

test('the hash is FNV-1a: published values', () => {
  assert.equal(hash32([]), 0x811c9dc5);
  assert.equal(hash32([word('foob')]), 0x3f5076ef);
});

test('the hash tells integers, their order and their sign apart', () => {
  const hashes = [[0], [1], [-1], [0, 1], [1, 0], [0, 0]].map((integers) => hash32(integers));
  assert.equal(new Set(hashes).size, hashes.length);
});

test('a hash is written with eight digits', () => {
  assert.equal(hex(0xab), '000000ab');
});

test('the random integers are those of mulberry32', () => {
  const holder = { rng: 0 };
  const bound = 2 ** 32;
  assert.deepEqual(
    [below(holder, bound), below(holder, bound), below(holder, bound)],
    [0.26642920868471265, 0.0003297457005828619, 0.2232720274478197].map((fraction) => fraction * bound),
  );
});

test('random integers stay below the bound and reach all of it', () => {
  const holder = { rng: 7 };
  const seen = new Set(Array.from({ length: 500 }, () => below(holder, 6)));
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5]);
});
