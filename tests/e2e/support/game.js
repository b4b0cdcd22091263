// What a stored export says about the game itself, checked without believing it.

import assert from 'node:assert/strict';
import { hex } from '../../../www/hash.js';
import { newEpisode, stateHash, step } from '../../../www/sim.js';

/**
 * @typedef {object} GameMetrics the demo game's part of an export
 * @property {(string | number)[]} players
 * @property {number} seed
 * @property {number} framesPerEpisode
 * @property {{ episode: number, frames: number, score: number, finalHash: string }[]} episodes
 * @property {{ episode: number, frames: number, score: number, hash: string } | null} unfinished
 * @property {[frame: number, hash: string][]} hashes
 * @property {number[][]} actions per player: action, how many frames in a row, action, …
 */

/** @param {GameMetrics} game */
export function framesPlayed({ episodes, unfinished }) {
  return episodes.reduce((sum, { frames }) => sum + frames, 0) + (unfinished?.frames ?? 0);
}

/**
 * Both players saw the same game: every frame that both have sampled has the same hash on both sides.
 *
 * @param {GameMetrics} a
 * @param {GameMetrics} b
 * @param {number} atLeast how many common samples there must be for the comparison to mean something
 */
export function assertSameGame(a, b, atLeast) {
  assert.equal(a.seed, b.seed);
  const other = new Map(b.hashes);
  const common = a.hashes.filter(([frame]) => other.has(frame));
  assert.ok(common.length >= atLeast, `${common.length} common samples`);
  for (const [frame, hash] of common) {
    assert.equal(hash, other.get(frame), `frame ${frame}`);
  }
  for (const [index, { finalHash }] of a.episodes.entries()) {
    const there = b.episodes[index];
    if (there) assert.equal(finalHash, there.finalHash, `end of episode ${index}`);
  }
}

/**
 * Plays the exported actions again from the exported seed.
 *
 * @param {GameMetrics} game
 * @param {(action: number) => number} [change] what to play instead of each action
 * @returns {string[]} the hash at the end of each finished episode
 */
export function replay({ seed, framesPerEpisode, episodes, actions }, change = (action) => action) {
  const perFrame = actions.map((runs) => {
    const list = [];
    for (let at = 0; at < runs.length; at += 2) {
      for (let n = 0; n < runs[at + 1]; n += 1) list.push(change(runs[at]));
    }
    return list;
  });
  let frame = 0;
  return episodes.map(({ episode }) => {
    const state = newEpisode(seed, episode, actions.length);
    for (let n = 0; n < framesPerEpisode; n += 1, frame += 1) {
      const now = frame;
      step(
        state,
        perFrame.map((list) => list[now]),
      );
    }
    return hex(stateHash(state));
  });
}
