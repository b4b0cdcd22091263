/**
 * Answers `end_game_request_redirect`, as MUG's server does not.
 *
 * @module stillhere/mug/redirect
 */

/** @typedef {import('../mug.js').Outcome} Outcome */
/** @typedef {import('../mug.js').Destination} Destination */

const DELAY = 5000;

/** The outcome of each reason that is no exclusion of the participant's own. @type {Record<string, Outcome>} */
const OUTCOMES = {
  partner_exclusion: 'partner_excluded',
  partner_disconnected: 'partner_disconnected',
  focus_loss_timeout: 'focus_loss',
};

/**
 * @param {string | undefined} reason
 * @returns {Outcome}
 */
export const outcomeOf = (reason) => OUTCOMES[reason ?? ''] ?? 'excluded';

/**
 * @param {{ [outcome in Outcome]?: Destination }} redirects
 * @param {Outcome} outcome
 * @param {string} participant
 * @param {() => string | null} madeUp the completion code if the researcher gives none
 */
export function answer(redirects, outcome, participant, madeUp) {
  const { url, delayMs = DELAY, completionCode } = redirects[outcome] ?? redirects.default ?? {};
  const known = { participant_id: participant, outcome };
  const code = completionCode === undefined ? madeUp() : fill(completionCode, known);
  return {
    redirect_url: url === undefined ? null : fill(url, { ...known, completion_code: code ?? '' }, encodeURIComponent),
    redirect_timeout: delayMs,
    completion_code: code,
  };
}

/** @param {string} text @param {Record<string, string>} values @param {(value: string) => string} [as] */
function fill(text, values, as = (value) => value) {
  return text.replace(/\{(\w+)\}/g, (hole, name) => (name in values ? as(values[name]) : hole));
}

/** A UUID, as MUG makes its own; pages that are not served securely lack `crypto.randomUUID`. */
export function makeCode() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
