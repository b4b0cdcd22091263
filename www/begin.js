import { setState, tell } from './page.js';
import { isParticipantId, participantIdFrom } from './participant.js';

/**
 * Begins with what the address says about the participant.
 *
 * @template {import('./match.js').State} S
 * @param {() => Promise<import('./play.js').Game<S>>} loadGame
 * @param {string} [defaultScene] the server's own without it
 */
export async function begin(loadGame, defaultScene) {
  const query = new URLSearchParams(location.search);
  const participantId = participantIdFrom(query);
  if (!isParticipantId(participantId)) {
    location.replace(`./index.html${location.search}`);
    return;
  }
  // Loaded by name, not by a static import: a module that fails to load then still ends in a sentence on the page.
  try {
    const [game, { takePart }] = [await loadGame(), await import('./game.js')];
    await takePart(game, participantId, query.get('scene') ?? defaultScene);
  } catch (error) {
    setState('stopped');
    // Opened anew in the middle of the ending: the session says so, and where to go.
    if (/** @type {{ code?: string }} */ (error).code !== 'already_ended') {
      console.error(error);
      tell('The game could not be started. Please check your connection and reload this page.');
    }
  }
}
