/**
 * The jsPsych extension as a classic script, under the name that jsPsych's own extensions would give it.
 *
 * @module stillhere/jspsych-global
 */
import StillhereExtension from './jspsych.js';

Object.assign(globalThis, { jsPsychExtensionStillhere: StillhereExtension });
