import { setState, tell } from './page.js';
import { isParticipantId, participantIdFrom } from './participant.js';

const query = new URLSearchParams(location.search);
const participantId = participantIdFrom(query);

if (isParticipantId(participantId)) {
  // Loaded by name, not by a static import: a module that fails to load then still ends in a sentence on the page.
  try {
    const { takePart } = await import('./game.js');
    await takePart(participantId, query.get('scene') ?? undefined);
  } catch (error) {
    setState('stopped');
    // Opened anew in the middle of the ending: the session says so, and where to go.
    if (/** @type {{ code?: string }} */ (error).code !== 'already_ended') {
      console.error(error);
      tell('The game could not be started. Please check your connection and reload this page.');
    }
  }
} else {
  location.replace(`./${location.search}`);
}
