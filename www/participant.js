const LONGEST = 128;

/**
 * @param {URLSearchParams} query
 * @returns {string | null} the id that the study's link carries
 */
export function participantIdFrom(query) {
  return query.get('PROLIFIC_PID') ?? query.get('participant');
}

/**
 * @param {string | null} id
 * @returns {id is string}
 */
export function isParticipantId(id) {
  return id !== null && id.trim() !== '' && [...id].length <= LONGEST && !/\p{Cc}/u.test(id);
}

/** @returns {string} */
export function randomParticipantId() {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return `guest-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
