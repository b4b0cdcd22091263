import { sendLeftOvers } from './left-overs.js';
import { element, setText, tell } from './page.js';

const LONGEST_CODE = 128;

/** @type {Map<string | null, string>} */
const SENTENCES = new Map([
  ['completed', 'You played all rounds to the end.'],
  ['excluded', 'The game ended early, because this page was hidden or its connection too slow for too long.'],
  ['partner_excluded', 'The game ended early, because your partner had a technical problem. It was not your doing.'],
  ['partner_disconnected', 'The game ended early, because your partner lost the connection. It was not your doing.'],
  ['disconnected', 'The game ended early, because the connection to this page was lost.'],
  ['focus_loss', 'The game ended early, because this page was in the background for too long.'],
  ['server_shutdown', 'The game ended early, because our server had to stop. It was not your doing.'],
  ['waiting_room_timeout', 'We are sorry: no partner could be found this time.'],
]);

const query = new URLSearchParams(location.search);
const code = (query.get('code') ?? '').slice(0, LONGEST_CODE);
const sentence = SENTENCES.get(query.get('outcome'));

if (sentence) {
  setText('outcome', sentence);
}

if (code !== '') {
  const place = element('code', HTMLElement);
  place.textContent = code;
  element('completion', HTMLElement).hidden = false;
  element('copy', HTMLButtonElement).addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code);
      tell('Copied.');
    } catch {
      // Refused, or not a secure page: the participant can still copy what is selected.
      getSelection()?.selectAllChildren(place);
      tell('Please copy the selected code by hand.');
    }
  });
}

try {
  await sendLeftOvers((state) =>
    setText(
      'closing',
      state === 'unsent'
        ? 'A part of your data has not been sent yet. Please leave this page open for a moment: it keeps trying by itself.'
        : 'All of your data has been saved. You may close this page now.',
    ),
  );
} catch (error) {
  // What is left stays in this browser, and goes out with the next page.
  console.warn(error);
}
