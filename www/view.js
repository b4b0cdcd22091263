import { clear } from './canvas.js';
import { COLUMNS, FRAMES_PER_MOVE, isFloor, isStoodOn, ROWS } from './sim.js';

/** @typedef {import('./sim.js').State} State */
/** @typedef {import('./sim.js').Cell} Cell */
/** @typedef {import('./sim.js').Piece} Piece */

/** Players differ in shape as well as in colour. Indexed like the state's pieces. */
export const LOOKS = [
  { name: 'blue circle', colour: '--piece-0', outline: circle },
  { name: 'orange diamond', colour: '--piece-1', outline: diamond },
  { name: 'green square', colour: '--piece-2', outline: square },
];

/**
 * Draws states on the canvas. Lengths are in cells; colours are the style sheet's custom properties.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} self this player's index
 */
export function startView(canvas, self) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const style = getComputedStyle(canvas);
  const still = matchMedia('(prefers-reduced-motion: reduce)');

  /** @param {string} property */
  function colour(property) {
    return style.getPropertyValue(property);
  }

  /**
   * @param {string} fill
   * @param {string} edge
   */
  function paint(fill, edge) {
    context.fillStyle = colour(fill);
    context.fill();
    context.strokeStyle = colour(edge);
    context.stroke();
  }

  function drawBoard() {
    const floor = colour('--floor');
    const wall = colour('--wall');
    for (let y = 0; y < ROWS; y += 1) {
      for (let x = 0; x < COLUMNS; x += 1) {
        context.beginPath();
        context.roundRect(x + 0.04, y + 0.04, 0.92, 0.92, 0.14);
        context.fillStyle = isFloor(x, y) ? floor : wall;
        context.fill();
      }
    }
  }

  /** @param {State} state */
  function drawPads(state) {
    for (const cell of state.pads.wait === 0 ? state.pads.cells : []) {
      context.setLineDash(isStoodOn(state, cell) ? [] : [0.16, 0.11]);
      context.lineWidth = 0.09;
      context.beginPath();
      context.roundRect(cell.x + 0.1, cell.y + 0.1, 0.8, 0.8, 0.14);
      paint('--pad-fill', '--pad');
      context.setLineDash([]);
      star(context, cell, 0.2);
      context.fillStyle = colour('--pad');
      context.fill();
    }
  }

  /** @param {State} state */
  function drawStars(state) {
    context.lineWidth = 0.05;
    for (const cell of state.stars.filter(({ wait }) => wait === 0)) {
      star(context, cell, 0.34);
      paint('--star', '--star-edge');
    }
  }

  /**
   * @param {State} state
   * @param {readonly boolean[]} left
   */
  function drawPieces(state, left) {
    // Own piece last: it stays in sight when several stand on one cell.
    for (const index of [...state.pieces.keys()].sort((one, other) => Number(one === self) - Number(other === self))) {
      const { colour: fill, outline } = LOOKS[index];
      const at = still.matches ? state.pieces[index] : onTheWay(state.pieces[index]);
      context.lineWidth = 0.06;
      outline(context, at, 0.31);
      if (left[index]) {
        context.setLineDash([0.1, 0.08]);
        context.strokeStyle = colour('--left');
        context.stroke();
        context.setLineDash([]);
        continue;
      }
      paint(fill, '--piece-edge');
      if (index === self) {
        outline(context, at, 0.43);
        context.strokeStyle = colour(fill);
        context.stroke();
      }
    }
  }

  return {
    /**
     * @param {State} state
     * @param {readonly boolean[]} left per player, whether the game goes on without them
     */
    draw(state, left) {
      clear(context, COLUMNS, ROWS);
      context.lineJoin = 'round';
      drawBoard();
      drawPads(state);
      drawStars(state);
      drawPieces(state, left);
    },
  };
}

/**
 * @param {Piece} piece
 * @returns {Cell} where it is seen between its last cell and its new one
 */
function onTheWay({ x, y, fromX, fromY, wait }) {
  const left = wait / FRAMES_PER_MOVE;
  return { x: x + (fromX - x) * left, y: y + (fromY - y) * left };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Cell} cell
 * @param {number} radius
 */
function circle(context, { x, y }, radius) {
  context.beginPath();
  context.arc(x + 0.5, y + 0.5, radius, 0, 2 * Math.PI);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Cell} cell
 * @param {number} radius
 */
function diamond(context, cell, radius) {
  polygon(context, cell, [radius * 1.15, radius * 1.15, radius * 1.15, radius * 1.15]);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Cell} cell
 * @param {number} radius
 */
function square(context, { x, y }, radius) {
  context.beginPath();
  context.roundRect(x + 0.5 - radius * 0.9, y + 0.5 - radius * 0.9, radius * 1.8, radius * 1.8, 0.06);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Cell} cell
 * @param {number} radius
 */
function star(context, cell, radius) {
  polygon(
    context,
    cell,
    Array.from({ length: 10 }, (_, corner) => (corner % 2 === 0 ? radius : radius * 0.48)),
  );
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Cell} cell
 * @param {number[]} radii of the corners, clockwise from the top
 */
function polygon(context, { x, y }, radii) {
  context.beginPath();
  for (const [corner, radius] of radii.entries()) {
    const angle = (corner / radii.length) * 2 * Math.PI - Math.PI / 2;
    context.lineTo(x + 0.5 + radius * Math.cos(angle), y + 0.5 + radius * Math.sin(angle));
  }
  context.closePath();
}
