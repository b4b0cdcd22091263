/**
 * Begins a picture: as sharp as the screen, and measured in the game's own lengths.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 * @param {number} height
 */
export function clear(context, width, height) {
  const { canvas } = context;
  const pixelsWide = Math.round(canvas.clientWidth * window.devicePixelRatio);
  const pixelsHigh = Math.round(canvas.clientHeight * window.devicePixelRatio);
  // Setting a canvas's size clears it, even to the same size.
  if (canvas.width !== pixelsWide || canvas.height !== pixelsHigh) {
    canvas.width = pixelsWide;
    canvas.height = pixelsHigh;
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.scale(canvas.width / width, canvas.height / height);
}
