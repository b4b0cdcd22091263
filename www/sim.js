import { hash32 } from './hash.js';
import { below } from './rng.js';

/**
 * The game itself: a piece for each player, which collect stars on one board. Integers only, no clock, no randomness but the seed's: the same
 * seed and the same actions give the same state on every machine.
 *
 * @typedef {{ x: number, y: number }} Cell
 * @typedef {Cell & { fromX: number, fromY: number, wait: number }} Piece
 *   `wait` counts the frames until the piece has arrived from its last cell.
 * @typedef {Cell & { wait: number }} Star `wait` counts the frames until the star appears; 0: it is on the board.
 * @typedef {object} State
 * @property {number} frame frames stepped in this episode
 * @property {number} rng
 * @property {number} score
 * @property {Piece[]} pieces one per player
 * @property {Star[]} stars one point each
 * @property {{ wait: number, cells: Cell[] }} pads worth more, when two pieces stand on one each
 */

export const FRAMES_PER_SECOND = 30;
export const FRAMES_PER_MOVE = 4;

/** Actions, as they travel between the players. */
export const Action = Object.freeze({ NONE: 0, UP: 1, RIGHT: 2, DOWN: 3, LEFT: 4 });

const BOARD = [
  '..........',
  '.##....##.',
  '.#......#.',
  '....##....',
  '....##....',
  '.#......#.',
  '.##....##.',
  '..........',
];
export const ROWS = BOARD.length;
export const COLUMNS = BOARD[0].length;
export const STAR_POINTS = 1;
export const PADS_POINTS = 5;

const STARTS = [
  { x: 2, y: 3 },
  { x: 7, y: 4 },
  { x: 5, y: 1 },
];
const STARS = 3;
const STAR_REST = 20;
const PADS_REST = 90;
const PADS_APART = 5;
/** Indexed by action. */
const DIRECTIONS = [null, { x: 0, y: -1 }, { x: 1, y: 0 }, { x: 0, y: 1 }, { x: -1, y: 0 }];

/**
 * @param {number} x
 * @param {number} y
 */
export function isFloor(x, y) {
  return BOARD[y]?.[x] === '.';
}

/**
 * @param {number} seed
 * @param {number} episode
 * @param {number} [players]
 * @returns {State}
 */
export function newEpisode(seed, episode, players = 2) {
  if (players > STARTS.length) {
    throw new RangeError(`the board has room for ${STARTS.length} players, not for ${players}`);
  }
  /** @type {State} */
  const state = {
    frame: 0,
    rng: hash32([seed, episode]),
    score: 0,
    pieces: STARTS.slice(0, players).map(({ x, y }) => ({ x, y, fromX: x, fromY: y, wait: 0 })),
    stars: Array.from({ length: STARS }, () => ({ x: 0, y: 0, wait: 1 })),
    pads: { wait: PADS_REST, cells: [] },
  };
  appear(state);
  return state;
}

/**
 * Moves the state on by one frame, in place.
 *
 * @param {State} state
 * @param {readonly number[]} actions one per piece; what is not an {@link Action} counts as none
 */
export function step(state, actions) {
  for (const piece of state.pieces) {
    piece.wait = Math.max(0, piece.wait - 1);
  }
  collect(state);
  for (const [index, piece] of state.pieces.entries()) {
    move(piece, actions[index]);
  }
  appear(state);
  state.frame += 1;
}

/**
 * @param {State} state
 * @returns {number} a hash of everything in the state
 */
export function stateHash({ frame, rng, score, pieces, stars, pads }) {
  return hash32([
    ...[frame, rng, score, pads.wait],
    ...pieces.flatMap((piece) => [piece.x, piece.y, piece.fromX, piece.fromY, piece.wait]),
    ...stars.flatMap((star) => [star.x, star.y, star.wait]),
    ...pads.cells.flatMap((cell) => [cell.x, cell.y]),
  ]);
}

/**
 * @param {State} state
 * @param {Cell} cell
 * @returns {boolean} whether a piece has come to this cell (one on its way does not count yet)
 */
export function isStoodOn(state, cell) {
  return state.pieces.some((piece) => piece.wait === 0 && isSame(piece, cell));
}

/** @param {State} state */
function collect(state) {
  for (const star of state.stars) {
    if (star.wait === 0 && isStoodOn(state, star)) {
      state.score += STAR_POINTS;
      star.wait = STAR_REST;
    }
  }
  if (state.pads.wait === 0 && state.pads.cells.every((pad) => isStoodOn(state, pad))) {
    state.score += PADS_POINTS;
    state.pads = { wait: PADS_REST, cells: [] };
  }
}

/**
 * @param {Piece} piece
 * @param {number} action
 */
function move(piece, action) {
  const direction = DIRECTIONS[action];
  if (piece.wait > 0 || !direction) {
    return;
  }
  const x = piece.x + direction.x;
  const y = piece.y + direction.y;
  if (isFloor(x, y)) {
    Object.assign(piece, { x, y, fromX: piece.x, fromY: piece.y, wait: FRAMES_PER_MOVE });
  }
}

/** @param {State} state */
function appear(state) {
  for (const star of state.stars) {
    if (star.wait > 0) {
      star.wait -= 1;
      if (star.wait === 0) {
        Object.assign(star, pick(state, freeCells(state)));
      }
    }
  }
  if (state.pads.wait > 0) {
    state.pads.wait -= 1;
    if (state.pads.wait === 0) {
      const first = pick(state, freeCells(state));
      const far = freeCells(state).filter((cell) => distance(cell, first) >= PADS_APART);
      state.pads.cells = [first, pick(state, far)];
    }
  }
}

/**
 * @param {State} state
 * @param {Cell[]} cells
 * @returns {Cell}
 */
function pick(state, cells) {
  return cells[below(state, cells.length)];
}

/**
 * @param {State} state
 * @returns {Cell[]} the floor that nothing is on, in reading order
 */
function freeCells({ pieces, stars, pads }) {
  const taken = [...pieces, ...stars.filter((star) => star.wait === 0), ...pads.cells];
  const cells = [];
  for (let y = 0; y < ROWS; y += 1) {
    for (let x = 0; x < COLUMNS; x += 1) {
      const cell = { x, y };
      if (isFloor(x, y) && !taken.some((other) => isSame(other, cell))) {
        cells.push(cell);
      }
    }
  }
  return cells;
}

/**
 * @param {Cell} one
 * @param {Cell} other
 */
function isSame(one, other) {
  return one.x === other.x && one.y === other.y;
}

/**
 * @param {Cell} one
 * @param {Cell} other
 */
function distance(one, other) {
  return Math.abs(one.x - other.x) + Math.abs(one.y - other.y);
}
