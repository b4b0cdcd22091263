import { loadPyodide } from '/vendor/pyodide/pyodide.mjs';
import { watchDownloads } from './download.js';
import { showLoading } from './loading.js';
import { startPython } from './python.js';
import { startView } from './view.js';

/** @typedef {import('./python.js').State} State */

/**
 * Loads Python and the environment. While Python starts, nothing else can happen on this page: so this comes before anybody
 * joins a game.
 *
 * @returns {Promise<import('../play.js').Game<State>>}
 */
export async function loadRally() {
  const loading = showLoading();
  const pyodide = await watchDownloads(loading.downloading, () => loadPyodide({ indexURL: '/vendor/pyodide/' }));
  const { framesPerSecond, size, rules } = await startPython(pyodide, source);
  loading.connecting();
  return {
    framesPerSecond,
    rules,
    names: ['blue paddle on the left', 'orange paddle on the right'],
    startView: (canvas, self) => startView(canvas, self, size),
  };
}

/** @param {string} name */
async function source(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) {
    throw new Error(`${name} was answered with ${answer.status}`);
  }
  return answer.text();
}
