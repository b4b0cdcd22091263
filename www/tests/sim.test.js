import assert from 'node:assert/strict';
import { test } from 'node:test';
import { below } from '../rng.js';
import {
  Action,
  COLUMNS,
  FRAMES_PER_MOVE,
  isFloor,
  newEpisode,
  PADS_POINTS,
  ROWS,
  STAR_POINTS,
  stateHash,
  step,
} from '../sim.js';

/** @typedef {import('../sim.js').State} State */

/**
 * @param {State} state
 * @param {number[]} actions
 * @param {number} frames
 */
function run(state, actions, frames) {
  for (let frame = 0; frame < frames; frame += 1) {
    step(state, actions);
  }
}

/**
 * @param {State} state
 * @param {number} piece
 * @param {{ x: number, y: number }} cell
 */
function put(state, piece, { x, y }) {
  Object.assign(state.pieces[piece], { x, y, fromX: x, fromY: y, wait: 0 });
}

/**
 * @param {number} seed
 * @param {number} frames
 * @param {(state: State) => void} [look]
 */
function playAtRandom(seed, frames, look) {
  const state = newEpisode(seed, 0);
  const player = { rng: seed };
  const hashes = [];
  for (let frame = 0; frame < frames; frame += 1) {
    step(state, [below(player, 5), below(player, 5)]);
    hashes.push(stateHash(state));
    look?.(state);
  }
  return hashes;
}

test('the same seed and actions give the same hash in every frame', () => {
  assert.deepEqual(playAtRandom(42, 900), playAtRandom(42, 900));
});

test('another seed, another episode or another action gives another hash', () => {
  const other = newEpisode(42, 0);
  step(other, [Action.RIGHT, Action.NONE]);
  const same = newEpisode(42, 0);
  step(same, [Action.NONE, Action.NONE]);
  const hashes = [
    stateHash(newEpisode(42, 0)),
    stateHash(newEpisode(43, 0)),
    stateHash(newEpisode(42, 1)),
    stateHash(other),
    stateHash(same),
  ];
  assert.equal(new Set(hashes).size, hashes.length);
});

test('a value that changes anywhere in the state changes the hash', () => {
  const before = stateHash(newEpisode(1, 0));
  /** @type {((state: State) => void)[]} */
  const changes = [
    (state) => {
      state.frame += 1;
    },
    (state) => {
      state.rng += 1;
    },
    (state) => {
      state.score += 1;
    },
    (state) => {
      state.pieces[1].wait += 1;
    },
    (state) => {
      state.stars[2].x += 1;
    },
    (state) => {
      state.pads.wait += 1;
    },
    (state) => {
      state.pads.cells.push({ x: 0, y: 0 });
    },
  ];
  for (const change of changes) {
    const state = newEpisode(1, 0);
    change(state);
    assert.notEqual(stateHash(state), before, change.toString());
  }
});

test('the state stays in integers, on the floor, with nothing on top of anything', () => {
  playAtRandom(7, 3000, (state) => {
    const stars = state.stars.filter(({ wait }) => wait === 0);
    for (const { x, y } of [...state.pieces, ...stars, ...state.pads.cells]) {
      assert.ok(isFloor(x, y));
    }
    const fixed = [...stars, ...state.pads.cells].map(({ x, y }) => `${x},${y}`);
    assert.equal(new Set(fixed).size, fixed.length);
    assert.ok(Number.isInteger(state.rng) && Number.isInteger(state.score));
  });
});

test('every floor cell can be reached', () => {
  const { x, y } = newEpisode(1, 0).pieces[0];
  const reached = new Set([`${x},${y}`]);
  for (const cell of reached) {
    const [cx, cy] = cell.split(',').map(Number);
    for (const [nx, ny] of [
      [cx + 1, cy],
      [cx - 1, cy],
      [cx, cy + 1],
      [cx, cy - 1],
    ]) {
      if (isFloor(nx, ny)) {
        reached.add(`${nx},${ny}`);
      }
    }
  }
  let floor = 0;
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 0; column < COLUMNS; column += 1) {
      floor += isFloor(column, row) ? 1 : 0;
    }
  }
  assert.equal(reached.size, floor);
});

test('a held direction moves one cell per move time, and a wall or an edge stops it', () => {
  const state = newEpisode(1, 0);
  put(state, 0, { x: 0, y: 0 });
  run(state, [Action.RIGHT, Action.NONE], 2 * FRAMES_PER_MOVE);
  assert.deepEqual([state.pieces[0].x, state.pieces[0].y], [2, 0]);
  run(state, [Action.DOWN, Action.NONE], 10 * FRAMES_PER_MOVE);
  assert.deepEqual([state.pieces[0].x, state.pieces[0].y], [2, 0]);
  run(state, [Action.UP, Action.NONE], 10 * FRAMES_PER_MOVE);
  assert.deepEqual([state.pieces[0].x, state.pieces[0].y], [2, 0]);
});

test('an action that is none of ours does nothing', () => {
  for (const action of [5, -1, 1.5, Number.NaN]) {
    const state = newEpisode(1, 0);
    const same = newEpisode(1, 0);
    step(state, [action, action]);
    step(same, [Action.NONE, Action.NONE]);
    assert.equal(stateHash(state), stateHash(same), String(action));
  }
});

test('a star is worth its points once and comes back later', () => {
  const state = newEpisode(3, 0);
  put(state, 0, state.stars[0]);
  step(state, [Action.NONE, Action.NONE]);
  assert.equal(state.score, STAR_POINTS);
  assert.ok(state.stars[0].wait > 0);
  run(state, [Action.NONE, Action.NONE], 60);
  assert.equal(state.score, STAR_POINTS);
  assert.equal(state.stars[0].wait, 0);
});

test('the pads pay only when both are stood on at once', () => {
  const state = newEpisode(3, 0);
  run(state, [Action.NONE, Action.NONE], 200);
  const before = state.score;
  const [first, second] = state.pads.cells;
  put(state, 0, first);
  put(state, 1, first);
  step(state, [Action.NONE, Action.NONE]);
  assert.equal(state.score, before, 'both on one pad');
  put(state, 1, second);
  step(state, [Action.NONE, Action.NONE]);
  assert.equal(state.score, before + PADS_POINTS);
  assert.deepEqual(state.pads.cells, []);
});
