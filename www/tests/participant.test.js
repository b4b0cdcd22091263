import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isParticipantId, participantIdFrom, randomParticipantId } from '../participant.js';

test('the id comes from the link', () => {
  /** @type {[string, string | null][]} */
  const links = [
    ['?PROLIFIC_PID=5f3c', '5f3c'],
    ['?participant=anna%20b', 'anna b'],
    ['?PROLIFIC_PID=5f3c&participant=anna', '5f3c'],
    ['?participant=', ''],
    ['?other=1', null],
  ];
  for (const [search, id] of links) {
    assert.equal(participantIdFrom(new URLSearchParams(search)), id, search);
  }
});

test('an id is 1 to 128 visible characters', () => {
  for (const id of ['a', '0', 'żółć-✓', 'a b', '🙂'.repeat(128), randomParticipantId()]) {
    assert.ok(isParticipantId(id), id);
  }
  for (const id of [null, '', '  ', 'a\nb', 'a\u0000', '\u0085x', 'a'.repeat(129)]) {
    assert.ok(!isParticipantId(id), JSON.stringify(id));
  }
});

test('random ids differ', () => {
  assert.notEqual(randomParticipantId(), randomParticipantId());
});
