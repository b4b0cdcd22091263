import { initJsPsych } from 'jspsych';
import * as inline from 'stillhere/inline';
import Extension from 'stillhere/jspsych';
import { replaceMonitoring } from 'stillhere/mug';

const replaced = await replaceMonitoring({
  module: inline,
  onStop({ reason }) {
    // @ts-expect-error: no session ends for that.
    if (reason === 'timeout') return;
  },
});
replaced.session?.on('ready', () => {});
// @ts-expect-error: there is no such event.
replaced.session?.on('begin', () => {});
// @ts-expect-error: no game ends like that.
await replaceMonitoring({ redirects: { bored: { url: '/' } } });

export const jsPsych = initJsPsych({ extensions: [{ type: Extension, params: { join: true } }] });
