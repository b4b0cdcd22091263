import { hash32 } from '../hash.js';

/** @typedef {import('/vendor/pyodide/pyodide.mjs').PyodideInterface} Pyodide */

/**
 * What `render()` may return.
 *
 * @typedef {{ colour: string, agent?: number }} Look
 * @typedef {Look & { shape: 'line', x: number, y: number, x2: number, y2: number }} Line
 * @typedef {Look & { shape: 'rectangle', x: number, y: number, width: number, height: number }} Rectangle
 * @typedef {Look & { shape: 'circle', x: number, y: number, radius: number }} Circle
 * @typedef {Line | Rectangle | Circle} Shape
 *
 * @typedef {{ score: number, isOver: boolean, shapes: Shape[], info: Record<string, unknown> }} Told what `bridge.py` says of a state
 * @typedef {Told & { frame: number }} State
 */

/** The modules that Python finds in its own folder. */
export const SOURCES = ['environment.py', 'bridge.py'];

/**
 * An environment in Python, as a game that two pages can play in lockstep.
 *
 * @param {Pyodide} pyodide
 * @param {(name: string) => Promise<string>} readSource
 */
export async function startPython(pyodide, readSource) {
  for (const name of SOURCES) {
    pyodide.FS.writeFile(name, await readSource(name));
  }
  const bridge = pyodide.runPython('import bridge; bridge.Bridge()');
  const { render_fps, render_size } = JSON.parse(bridge.metadata());

  /** @type {import('../match.js').Rules<State>} */
  const rules = {
    newEpisode(seed, episode, _players, frames) {
      return { frame: 0, ...JSON.parse(bridge.reset(hash32([seed, episode]), frames)) };
    },
    step(state, actions) {
      Object.assign(state, JSON.parse(bridge.step(...actions)));
      state.frame += 1;
    },
    stateHash() {
      return bridge.state_hash();
    },
  };
  return { framesPerSecond: Number(render_fps), size: /** @type {[number, number]} */ (render_size), rules };
}
