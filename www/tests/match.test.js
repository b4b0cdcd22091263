import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Match } from '../match.js';
import { below } from '../rng.js';
import { stars } from '../stars.js';

/** @typedef {import('../lockstep.js').Move} Move */

const SETUP = { players: ['red', 0], seed: 2024, episodes: 2, framesPerEpisode: 90 };

/** A network that delays every message by its own random time: messages overtake each other. */
class Network {
  now = 0;
  /** @type {{ due: number, deliver: () => void }[]} */
  #underway = [];
  #dice;

  /** @param {number} seed */
  constructor(seed) {
    this.#dice = { rng: seed };
  }

  /** @param {() => void} deliver */
  send(deliver) {
    this.#underway.push({ due: this.now + below(this.#dice, 12), deliver });
  }

  tick() {
    this.now += 1;
    const due = this.#underway.filter((message) => message.due <= this.now);
    this.#underway = this.#underway.filter((message) => message.due > this.now);
    for (const { deliver } of due) {
      deliver();
    }
  }
}

/**
 * Plays a whole game between two pages.
 *
 * @param {number} networkSeed
 * @param {(peers: Match[]) => void} [look]
 */
function play(networkSeed, look) {
  const network = new Network(networkSeed);
  const peers = SETUP.players.map((self) => new Match({ ...SETUP, self }, stars.rules));
  const players = SETUP.players.map((_, index) => ({ rng: 100 + index }));
  for (let turn = 0; peers.some(({ phase }) => phase !== 'over'); turn += 1) {
    assert.ok(turn < 10_000, 'the game does not end');
    network.tick();
    for (const [index, peer] of peers.entries()) {
      if (peer.phase === 'between') {
        peer.nextEpisode();
      }
      if (peer.phase === 'playing' && peer.owesAction) {
        const move = peer.act(below(players[index], 5));
        network.send(() => peers[1 - index].receive(SETUP.players[index], move));
      }
      peer.step();
    }
    look?.(peers);
  }
  return peers;
}

/** @param {Match} match */
function record(match) {
  const { self, ...rest } = match.metrics();
  return rest;
}

test('two pages over a jittery network play the same game', () => {
  const [one, other] = play(1);
  assert.deepEqual(record(one), record(other));
  assert.ok(record(one).episodes.some(({ score }) => score > 0));
});

test('the network changes when frames are stepped, never what happens in them', () => {
  assert.deepEqual(record(play(1)[0]), record(play(99)[0]));
});

test('the pages never part by more than lockstep allows', () => {
  play(5, ([one, other]) => assert.ok(Math.abs(one.frame - other.frame) <= 5));
});

test('episodes have their exact length; frames count on, hashes are sampled from frame 0', () => {
  const { episodes, hashes, actions, unfinished } = play(3)[0].metrics();
  assert.deepEqual(
    episodes.map(({ episode, frames }) => [episode, frames]),
    [
      [0, 90],
      [1, 90],
    ],
  );
  assert.deepEqual(
    hashes.map(([frame]) => frame),
    [0, 30, 60, 90, 120, 150],
  );
  assert.equal(unfinished, null);
  for (const runs of actions) {
    const frames = runs.filter((_, index) => index % 2 === 1).reduce((sum, count) => sum + count, 0);
    assert.equal(frames, 180);
  }
});

test('the recorded actions replay to the recorded hashes', () => {
  const recorded = play(4)[0].metrics();
  const lists = recorded.actions.map((runs) => {
    /** @type {number[]} */
    const list = [];
    for (let index = 0; index < runs.length; index += 2) {
      list.push(...Array(runs[index + 1]).fill(runs[index]));
    }
    return list;
  });
  const replay = new Match({ ...SETUP, self: SETUP.players[0] }, stars.rules);
  while (replay.phase !== 'over') {
    if (replay.phase === 'between') {
      replay.nextEpisode();
    }
    const frame = replay.frame + recorded.inputDelay;
    replay.act(lists[0][frame] ?? 0);
    replay.receive(SETUP.players[1], { frame, action: lists[1][frame] ?? 0 });
    replay.step();
  }
  assert.deepEqual(record(replay), record(play(4)[0]));
});

test('a game that was cut off says how far it came', () => {
  const match = new Match({ ...SETUP, self: 0 }, stars.rules);
  while (match.step()) {}
  assert.deepEqual(match.metrics().episodes, []);
  const { unfinished } = match.metrics();
  assert.deepEqual([unfinished?.episode, unfinished?.frames, unfinished?.score], [0, 4, 0]);
  assert.match(unfinished?.hash ?? '', /^[0-9a-f]{8}$/);
});

test('nothing is stepped between episodes', () => {
  const match = new Match(
    { players: ['alone'], self: 'alone', seed: 1, episodes: 2, framesPerEpisode: 1 },
    stars.rules,
  );
  match.act(0);
  assert.ok(match.step());
  assert.equal(match.phase, 'between');
  assert.deepEqual(match.summary.frames, 1);
  assert.ok(!match.step());
  match.nextEpisode();
  match.act(0);
  assert.ok(match.step());
  assert.equal(match.phase, 'over');
});

test('a history is everything that is known, and as small as the runs are', () => {
  const match = new Match({ ...SETUP, self: 0 }, stars.rules);
  for (let frame = 0; frame < 60; frame += 1) {
    if (match.owesAction) {
      match.receive('red', match.act(frame < 30 ? 1 : 2));
    }
    match.step();
  }
  assert.deepEqual(match.history(), [
    [0, 4, 1, 30, 2, 30],
    [0, 4, 1, 30, 2, 30],
  ]);
  const other = new Match({ ...SETUP, self: 'red' }, stars.rules);
  other.learn(match.history());
  other.catchUp(match.frame, match.episode, () => assert.fail('one episode only'));
  assert.equal(other.frame, match.frame);
  assert.deepEqual(record(other), record(match));
});

test('three play on one board, and the third changes what happens', () => {
  const setup = { players: ['a', 'b', 'c'], self: 'a', seed: 5, episodes: 1, framesPerEpisode: 90 };
  const hashes = [0, 3].map((action) => {
    const match = new Match(setup, stars.rules);
    assert.equal(match.state.pieces.length, 3);
    match.learn([
      [0, 90],
      [0, 90],
      [action, 90],
    ]);
    while (match.step()) {}
    return match.summary.finalHash;
  });
  assert.notEqual(hashes[0], hashes[1]);
  assert.throws(() => new Match({ ...setup, players: ['a', 'b', 'c', 'd'] }, stars.rules), /room for 3 players/);
});
