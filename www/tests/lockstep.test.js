import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lockstep } from '../lockstep.js';

const DELAY = 4;

/** @param {Lockstep} lockstep */
function stepAll(lockstep) {
  const stepped = [];
  for (let actions = lockstep.next(); actions; actions = lockstep.next()) {
    stepped.push(actions);
  }
  return stepped;
}

test('nobody acts in the first frames', () => {
  const lockstep = new Lockstep(['a', 'b'], 'a', DELAY);
  assert.deepEqual(stepAll(lockstep), Array(DELAY).fill([0, 0]));
});

test('an action takes effect after the delay, and one is owed per frame', () => {
  const lockstep = new Lockstep(['a', 'b'], 'a', DELAY);
  assert.ok(lockstep.owesAction);
  assert.deepEqual(lockstep.act(3), { frame: DELAY, action: 3 });
  assert.ok(!lockstep.owesAction);
  lockstep.next();
  assert.ok(lockstep.owesAction);
});

test('a frame waits for every player, and its actions come in the order of the players', () => {
  const lockstep = new Lockstep([7, 0, 'b'], 0, 0);
  lockstep.act(1);
  lockstep.receive('b', { frame: 0, action: 2 });
  assert.equal(lockstep.next(), null);
  assert.equal(lockstep.frame, 0);
  lockstep.receive(7, { frame: 0, action: 3 });
  assert.deepEqual(lockstep.next(), [3, 1, 2]);
  assert.equal(lockstep.frame, 1);
});

test('the order of arrival and repeats do not matter', () => {
  const moves = [5, 4, 6, 4, 7, 5].map((frame) => ({ frame, action: frame }));
  for (const order of [moves, [...moves].reverse()]) {
    const lockstep = new Lockstep(['a', 'b'], 'a', DELAY);
    for (const move of order) {
      lockstep.receive('b', move);
    }
    const stepped = [];
    for (let frame = 0; frame < 8; frame += 1) {
      lockstep.act(1);
      stepped.push(lockstep.next());
    }
    assert.deepEqual(stepped.slice(DELAY), [
      [1, 4],
      [1, 5],
      [1, 6],
      [1, 7],
    ]);
  }
});

test('the first action told for a frame stands; a stepped frame takes none', () => {
  const lockstep = new Lockstep(['a', 'b'], 'a', 0);
  lockstep.act(0);
  lockstep.receive('b', { frame: 0, action: 1 });
  lockstep.receive('b', { frame: 0, action: 2 });
  assert.deepEqual(lockstep.next(), [0, 1]);
  lockstep.receive('b', { frame: 0, action: 3 });
  assert.equal(lockstep.next(), null);
});

test('nobody can act for this player, and strangers are not heard', () => {
  const lockstep = new Lockstep(['a', 'b'], 'a', 0);
  lockstep.receive('a', { frame: 0, action: 1 });
  lockstep.receive('c', { frame: 0, action: 1 });
  assert.ok(lockstep.owesAction);
  assert.equal(lockstep.next(), null);
});

test('player ids keep their type', () => {
  const lockstep = new Lockstep([0, '0'], 0, 0);
  lockstep.act(1);
  lockstep.receive('0', { frame: 0, action: 2 });
  assert.deepEqual(lockstep.next(), [1, 2]);
});

test('what another player may lack can always be sent again', () => {
  const ahead = new Lockstep(['a', 'b'], 'a', DELAY);
  const behind = new Lockstep(['a', 'b'], 'b', DELAY);
  // The one ahead goes as far as it can while everything that it sends is lost.
  for (let frame = 0; frame < 50; frame += 1) {
    if (ahead.owesAction) {
      ahead.act(1);
    }
    if (behind.owesAction) {
      ahead.receive('b', behind.act(2));
    }
    ahead.next();
    behind.next();
  }
  assert.ok(ahead.frame > behind.frame);
  for (const move of ahead.recent()) {
    assert.ok(!behind.isBeyondReach(move.frame));
    behind.receive('a', move);
  }
  stepAll(behind);
  assert.equal(behind.frame, ahead.frame);
});

test('a partner far ahead of this page is beyond its reach', () => {
  const lockstep = new Lockstep(['a', 'b'], 'a', DELAY);
  assert.ok(!lockstep.isBeyondReach(2 * DELAY + 1));
  assert.ok(lockstep.isBeyondReach(2 * DELAY + 2));
});

test('a page that has forgotten its own actions owes all of them that the partner still waits for', () => {
  const lockstep = new Lockstep(['a', 'b'], 'a', DELAY);
  const known = Array.from({ length: 50 }, (_, frame) => /** @type {[number, number]} */ ([frame, 1]));
  lockstep.learn('b', known);
  lockstep.learn('a', known.slice(0, 41));
  stepAll(lockstep);
  assert.equal(lockstep.frame, 41);
  const owed = [];
  while (lockstep.owesAction) owed.push(lockstep.act(2).frame);
  assert.deepEqual(owed, [41, 42, 43, 44, 45]);
});

test('what is known ahead ends at the first gap', () => {
  const lockstep = new Lockstep(['a', 'b'], 'a', 0);
  for (const frame of [0, 1, 3]) lockstep.receive('b', { frame, action: frame + 1 });
  assert.deepEqual(lockstep.ahead('b'), [1, 2]);
  lockstep.dropBeyondGap('b');
  lockstep.receive('b', { frame: 2, action: 3 });
  assert.deepEqual(lockstep.ahead('b'), [1, 2, 3]);
});

test('one who left is waited for until the last frame is agreed on, and stands still after it', () => {
  const lockstep = new Lockstep(['a', 'b'], 'a', 0);
  for (const frame of [0, 1, 2]) lockstep.receive('b', { frame, action: 4 });
  lockstep.leave('b');
  lockstep.receive('b', { frame: 3, action: 4 });
  for (let frame = 0; frame < 6; frame += 1) lockstep.learn('a', [[frame, 1]]);
  assert.equal(stepAll(lockstep).length, 3);
  lockstep.learn('b', [
    [3, 4],
    [4, 4],
  ]);
  lockstep.cut('b', 3);
  lockstep.learn('b', [
    [4, 4],
    [5, 4],
  ]);
  assert.deepEqual(stepAll(lockstep), [
    [1, 4],
    [1, 0],
    [1, 0],
  ]);
  assert.ok(lockstep.hasLeft('b'));
});
