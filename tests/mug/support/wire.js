/**
 * One event that a page sent.
 *
 * @typedef {object} Sent
 * @property {string} by whose page
 * @property {string} name
 * @property {any} payload binary parts are `{_placeholder: true, …}`, as Socket.IO has it on the wire
 */

/** A text frame of Engine.IO that holds an event of Socket.IO, in the main namespace. */
const EVENT = /^4(?:2|5\d+-)\d*(\[[\s\S]*)$/;

/**
 * Writes down every event that this tab sends from now on, as it is on the wire.
 *
 * @param {import('./devtools.js').Devtools} devtools
 * @param {string} by
 * @param {Sent[]} sent
 */
export async function recordSent(devtools, by, sent) {
  devtools.on('Network.webSocketFrameSent', ({ response: { opcode, payloadData } }) => {
    const event = opcode === 1 && EVENT.exec(payloadData);
    if (!event) return;
    const [name, payload] = JSON.parse(event[1]);
    sent.push({ by, name, payload });
  });
  await devtools.send('Network.enable');
}
