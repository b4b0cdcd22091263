import { FRAMES_PER_SECOND, newEpisode, stateHash, step } from './sim.js';
import { LOOKS, startView } from './view.js';

/** @type {import('./play.js').Game<import('./sim.js').State>} */
export const stars = {
  framesPerSecond: FRAMES_PER_SECOND,
  rules: { newEpisode, step, stateHash },
  names: LOOKS.map(({ name }) => name),
  startView,
};
