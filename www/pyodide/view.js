import { clear } from '../canvas.js';

/** @typedef {import('./python.js').Shape} Shape */
/** @typedef {import('./python.js').State} State */

/** @type {Record<string, string>} the environment's names for colours, as the style sheet's custom properties */
const COLOURS = {
  'agent-0': '--piece-0',
  'agent-1': '--piece-1',
  ball: '--ball',
  line: '--line',
};

/**
 * Draws what the environment's `render()` returns.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} self this player's index
 * @param {[width: number, height: number]} size of the picture in the environment's own lengths
 */
export function startView(canvas, self, [width, height]) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const style = getComputedStyle(canvas);
  const [thin, wide] = [width / 250, width / 100];

  /** @param {Shape} shape */
  function draw(shape) {
    const colour = style.getPropertyValue(COLOURS[shape.colour]);
    context.fillStyle = colour;
    context.strokeStyle = colour;
    context.lineWidth = thin;
    trace(context, shape);
    if (shape.shape === 'line') {
      context.setLineDash([4 * thin, 4 * thin]);
      context.stroke();
      context.setLineDash([]);
    } else {
      context.fill();
    }
    if (shape.agent === self) {
      trace(context, shape, wide);
      context.stroke();
    }
  }

  return {
    /** @param {State} state */
    draw({ shapes }) {
      clear(context, width, height);
      for (const shape of shapes) {
        draw(shape);
      }
    },
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Shape} shape
 * @param {number} [around] how far outside of it
 */
function trace(context, shape, around = 0) {
  context.beginPath();
  switch (shape.shape) {
    case 'line':
      context.moveTo(shape.x, shape.y);
      context.lineTo(shape.x2, shape.y2);
      break;
    case 'circle':
      context.arc(shape.x, shape.y, shape.radius + around, 0, 2 * Math.PI);
      break;
    case 'rectangle': {
      const { x, y, width, height } = shape;
      const corner = Math.min(width, height) / 2 + around;
      context.roundRect(x - around, y - around, width + 2 * around, height + 2 * around, corner);
    }
  }
}
