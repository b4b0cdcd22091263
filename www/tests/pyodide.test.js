import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadPyodide } from 'pyodide';
import { hash32 } from '../hash.js';
import { Match } from '../match.js';
import { startPython } from '../pyodide/python.js';
import { below } from '../rng.js';

/** @typedef {import('../pyodide/python.js').State} State */

const FOLDER = fileURLToPath(new URL('../pyodide/', import.meta.url));
const STAY = 0;
const UP = 1;
const DOWN = 3;
const FRAMES = 900;

/** @type {import('pyodide').PyodideInterface} */
let pyodide;

before(async () => {
  pyodide = await loadPyodide();
});

function startEnvironment() {
  return startPython(pyodide, (name) => readFile(`${FOLDER}${name}`, 'utf8'));
}

/**
 * Somebody who follows the ball.
 *
 * @param {State} state
 * @param {number} agent
 */
function follow({ shapes }, agent) {
  let [ball, paddle] = [0, 0];
  for (const shape of shapes) {
    if (shape.shape === 'circle') {
      ball = shape.y;
    } else if (shape.shape === 'rectangle' && shape.agent === agent) {
      paddle = shape.y + shape.height / 2;
    }
  }
  return Math.abs(ball - paddle) < 20 ? STAY : ball < paddle ? UP : DOWN;
}

/**
 * Plays one episode in Pyodide.
 *
 * @param {number} seed
 * @param {(state: State) => number[]} act
 */
async function play(seed, act) {
  const { rules } = await startEnvironment();
  const state = rules.newEpisode(seed, 0, 2, FRAMES);
  const hashes = [rules.stateHash(state)];
  while (!state.isOver) {
    rules.step(state, act(state));
    hashes.push(rules.stateHash(state));
  }
  return { state, hashes };
}

/** @param {number} seed */
function atRandom(seed) {
  const dice = { rng: seed };
  return () => [below(dice, 5), below(dice, 5)];
}

test('the same seed and the same actions give the same episode, other ones another', async () => {
  const { hashes } = await play(7, atRandom(1));
  assert.equal(hashes.length, FRAMES + 1);
  assert.deepEqual((await play(7, atRandom(1))).hashes, hashes);
  for (const other of [await play(8, atRandom(1)), await play(7, atRandom(2))]) {
    assert.notEqual(other.hashes.at(-1), hashes.at(-1));
  }
  assert.ok(new Set(hashes).size > FRAMES * 0.9, 'the hash follows the state');
});

test('players who follow the ball return it, every return is a point, and the ball becomes faster', async () => {
  const { state } = await play(3, (now) => [follow(now, 0), follow(now, 1)]);
  const { returns, misses, longest_rally } = /** @type {Record<string, any>} */ (state.info);
  assert.deepEqual(misses, [0, 0]);
  assert.ok(returns[0] >= 5 && Math.abs(returns[0] - returns[1]) <= 1, `${returns}`);
  assert.equal(state.score, returns[0] + returns[1]);
  assert.equal(longest_rally, state.score);
  // At the speed of its service the ball would cross the court only so often.
  assert.ok(state.score > FRAMES / (840 / 11) + 1, `${state.score} points`);
});

test('one who hides from the ball misses it: no point, and the game goes on', async () => {
  const { state } = await play(3, (now) => [follow(now, 0), follow(now, 1) === UP ? DOWN : UP]);
  const { returns, misses, longest_rally } = /** @type {Record<string, any>} */ (state.info);
  assert.equal(misses[0], 0);
  assert.ok(misses[1] >= 4 && returns[1] < misses[1], `${misses}, ${returns}`);
  assert.equal(state.score, returns[0] + returns[1]);
  assert.ok(longest_rally < state.score, 'a miss ends a rally');
});

test('what is drawn stays in the picture, and each player can be told which paddle is theirs', async () => {
  const { rules, size } = await startEnvironment();
  const state = rules.newEpisode(1, 0, 2, FRAMES);
  const act = atRandom(5);
  while (!state.isOver) {
    for (const shape of state.shapes) {
      assert.ok(shape.x >= -20 && shape.x <= size[0] + 20 && shape.y >= 0 && shape.y <= size[1], JSON.stringify(shape));
    }
    rules.step(state, act());
  }
  assert.deepEqual(
    state.shapes.flatMap(({ agent }) => agent ?? []),
    [0, 1],
  );
});

test('two pages play the same game, and it can be played again from what they export', async () => {
  const setup = { players: ['a', 'b'], seed: 5, episodes: 2, framesPerEpisode: 90 };
  const peers = await Promise.all(
    setup.players.map(async (self) => new Match({ ...setup, self }, (await startEnvironment()).rules)),
  );
  const dice = { rng: 11 };
  for (let turn = 0; peers.some(({ phase }) => phase !== 'over'); turn += 1) {
    assert.ok(turn < 1000, 'the game does not end');
    for (const [index, peer] of peers.entries()) {
      if (peer.phase === 'between') {
        peer.nextEpisode();
      }
      if (peer.phase === 'playing' && peer.owesAction) {
        peers[1 - index].receive(setup.players[index], peer.act(below(dice, 5)));
      }
      peer.step();
    }
  }
  const [a, b] = peers.map((peer) => peer.metrics());
  assert.equal(a.hashes.length, 6);
  assert.deepEqual([a.hashes, a.episodes, a.actions], [b.hashes, b.episodes, b.actions]);
  assert.ok(a.episodes.every(({ info }) => info && 'longest_rally' in info));

  const again = new Match({ ...setup, self: 'a' }, (await startEnvironment()).rules);
  again.learn(a.actions);
  again.catchUp(Number.POSITIVE_INFINITY, 1, () => {});
  assert.deepEqual(again.metrics().episodes, a.episodes);
});

const ORACLE = `
import json, sys
sys.path.insert(0, sys.argv[1])
from environment import Environment
seed, frames, actions = json.load(sys.stdin)
environment = Environment(frames)
environment.reset(seed=seed)
hashes = [environment.state_hash()]
for step in actions:
    environment.step(dict(enumerate(step)))
    hashes.append(environment.state_hash())
print(json.dumps(hashes))
`;

/** The environment's annotations are those of Python 3.9. */
const PYTHON = ['python3', 'python'].find(
  (name) => spawnSync(name, ['-c', 'import sys; assert sys.version_info >= (3, 9)']).status === 0,
);

test('the Python of this machine plays the same game as the one in the browser', {
  skip: PYTHON === undefined && 'no Python 3.9 or newer is installed here',
}, async () => {
  const { rules } = await startEnvironment();
  const act = atRandom(9);
  const actions = Array.from({ length: FRAMES }, act);
  const state = rules.newEpisode(21, 3, 2, FRAMES);
  const hashes = [rules.stateHash(state)];
  for (const step of actions) {
    rules.step(state, step);
    hashes.push(rules.stateHash(state));
  }
  const input = JSON.stringify([hash32([21, 3]), FRAMES, actions]);
  const { status, stdout, stderr } = spawnSync(PYTHON ?? '', ['-B', '-c', ORACLE, FOLDER], { input, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), hashes);
});
