/**
 * The package as a classic script: `window.stillhere`.
 *
 * @module stillhere/global
 */
import { init, ParticipantSession, sendLeftOvers } from './index.js';

Object.assign(globalThis, { stillhere: { init, ParticipantSession, sendLeftOvers } });
