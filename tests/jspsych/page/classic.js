// An experiment as it is written without modules: jsPsych's own way of naming things, and nothing else.

{
  const { initJsPsych, jsPsychHtmlKeyboardResponse, jsPsychExtensionStillhere } = /** @type {any} */ (window);
  const jsPsych = initJsPsych({
    extensions: [{ type: jsPsychExtensionStillhere }],
    on_finish: async (/** @type {any} */ data) => {
      await jsPsych.extensions.stillhere.complete();
      const { WaitingRoom } = jsPsychExtensionStillhere;
      const seen = {
        rows: data.values(),
        csv: data.csv(),
        cites: jsPsych.getCitations([jsPsychExtensionStillhere, WaitingRoom], 'bibtex'),
      };
      sessionStorage.setItem('seen', JSON.stringify(seen));
    },
  });
  const trial = {
    type: jsPsychHtmlKeyboardResponse,
    stimulus: () => `<p id="trial">classic ${jsPsych.getProgress().current_trial_global}</p>`,
    choices: ['f'],
    extensions: [{ type: jsPsychExtensionStillhere }],
  };
  jsPsych.run([trial, trial]);
}
