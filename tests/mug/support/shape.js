/**
 * What a value looks like: `"number"`, `"string"`, …; an object with the shapes of its fields; `[shape]` for a list, `[]` for one
 * that was always empty; `null` where nothing else was ever seen. Objects whose keys are data are lists of their values.
 *
 * @typedef {string | null | Shape[] | { [key: string]: Shape }} Shape
 */

/** Keys that are players, frames or episodes. */
const isData = (/** @type {string} */ key) => /^\d+$/.test(key);

/** @param {any} value @returns {Shape} */
export function shapeOf(value) {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return listOf(value);
  if (typeof value !== 'object') return typeof value;
  const keys = Object.keys(value);
  if (keys.length > 0 && keys.every(isData)) return listOf(Object.values(value));
  return Object.fromEntries(keys.sort().map((key) => [key, shapeOf(value[key])]));
}

/** @param {any[]} values @returns {Shape[]} */
function listOf(values) {
  const shape = values.map(shapeOf).reduce((all, next) => join(all, next, '[]'), null);
  return values.length === 0 ? [] : [shape];
}

/**
 * Of two shapes of the same thing the one that holds for both. Throws if there is none.
 *
 * @param {Shape} a
 * @param {Shape} b
 * @param {string} where
 * @param {{ sameFields?: boolean }} [options] whether an object may lack what the other has: JSON leaves out what is undefined
 * @returns {Shape}
 */
export function join(a, b, where, options = {}) {
  if (a === null) return b;
  if (b === null) return a;
  // Nothing to tell an empty object from a list of players without any.
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  if (Array.isArray(a) && Array.isArray(b)) return [join(a[0], b[0], `${where}[]`, options)];
  if (Array.isArray(a) !== Array.isArray(b) || typeof a !== typeof b || typeof a === 'string') {
    if (a === b) return a;
    throw new Error(`${where} is both ${JSON.stringify(a)} and ${JSON.stringify(b)}`);
  }
  const [left, right] = /** @type {Record<string, Shape>[]} */ ([a, b]);
  const [ours, theirs] = [left, right].map((fields) => Object.keys(fields).sort());
  if (options.sameFields && ours.join() !== theirs.join()) {
    throw new Error(`${where} has the fields ${ours}, and the fields ${theirs}`);
  }
  const all = [...new Set([...ours, ...theirs])];
  return Object.fromEntries(
    all.map((key) => [key, join(left[key] ?? null, right[key] ?? null, `${where}.${key}`, options)]),
  );
}

/** @param {Shape} shape */
function isEmpty(shape) {
  return typeof shape === 'object' && shape !== null && Object.keys(shape).length === 0;
}

/**
 * The shape of each event's payloads.
 *
 * @param {import('./wire.js').Sent[]} sent
 * @returns {Record<string, Shape>}
 */
export function shapesOf(sent) {
  /** @type {Record<string, Shape>} */
  const shapes = {};
  for (const { name, payload } of sent) shapes[name] = join(shapes[name] ?? null, shapeOf(payload), name);
  return shapes;
}
