/**
 * FNV-1a over 32-bit integers, least significant byte first.
 *
 * @param {Iterable<number>} integers
 * @returns {number} an unsigned 32-bit integer
 */
export function hash32(integers) {
  let hash = 0x811c9dc5;
  for (const integer of integers) {
    for (let shift = 0; shift < 32; shift += 8) {
      hash = Math.imul(hash ^ ((integer >>> shift) & 0xff), 0x01000193);
    }
  }
  return hash >>> 0;
}

/**
 * @param {number} hash
 * @returns {string} eight hexadecimal digits
 */
export function hex(hash) {
  return hash.toString(16).padStart(8, '0');
}
