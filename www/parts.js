/**
 * Messages that may be long, in parts that a relay takes.
 *
 * @typedef {{ sync: number, part: number, parts: number, text: string }} Part
 */

const LONGEST = 100_000;

/**
 * @param {unknown} message
 * @param {number} id no other message of this sender has it
 * @param {number} [longest] characters of text in a part
 * @returns {Part[]}
 */
export function toParts(message, id, longest = LONGEST) {
  const text = JSON.stringify(message);
  const parts = Math.ceil(text.length / longest);
  return Array.from({ length: parts }, (_, part) => ({
    sync: id,
    part,
    parts,
    text: text.slice(part * longest, (part + 1) * longest),
  }));
}

/** Puts the parts of each sender's newest message together again. */
export class Assembly {
  /** @type {Map<unknown, { sync: number, texts: Map<number, string> }>} */
  #underway = new Map();

  /**
   * @param {unknown} sender
   * @param {Part} part
   * @returns {any} the message, once its last part is there; null before
   */
  add(sender, { sync, part, parts, text }) {
    const before = this.#underway.get(sender);
    const message = before?.sync === sync ? before : { sync, texts: new Map() };
    this.#underway.set(sender, message);
    message.texts.set(part, text);
    if (message.texts.size < parts) {
      return null;
    }
    this.#underway.delete(sender);
    return JSON.parse(Array.from({ length: parts }, (_, index) => message.texts.get(index)).join(''));
  }
}
