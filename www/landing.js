import { sendLeftOvers } from './left-overs.js';
import { element, tell } from './page.js';
import { isParticipantId, participantIdFrom, randomParticipantId } from './participant.js';

const query = new URLSearchParams(location.search);
const field = element('participant', HTMLInputElement);
const scene = element('scene', HTMLInputElement);
const given = participantIdFrom(query);

if (isParticipantId(given)) {
  field.value = given;
  field.readOnly = true;
  element('participant-hint', HTMLElement).textContent = 'This id came with your link.';
} else {
  field.value = randomParticipantId();
  if (given !== null) {
    refuse('The participant id in your link cannot be used. Please type the one that you were given.');
  }
}

scene.value = query.get('scene') ?? '';
scene.disabled = scene.value === '';

field.form?.addEventListener('submit', (event) => {
  if (!isParticipantId(field.value)) {
    event.preventDefault();
    refuse('Please enter a participant id of 1 to 128 characters.');
  }
});

// Nothing that this page has to speak of; the game's own page goes on with it.
sendLeftOvers(() => {}).catch(console.warn);

/** @param {string} sentence */
function refuse(sentence) {
  tell(sentence);
  field.select();
  element('start', HTMLButtonElement).scrollIntoView({ block: 'center' });
}
