/**
 * Seeded random integers (mulberry32). The generator's whole memory is one integer in the caller's own state, so that it is
 * hashed, copied and replayed with it.
 *
 * @param {{ rng: number }} holder
 * @param {number} bound
 * @returns {number} an integer in 0..bound-1
 */
export function below(holder, bound) {
  holder.rng = (holder.rng + 0x6d2b79f5) | 0;
  let mixed = Math.imul(holder.rng ^ (holder.rng >>> 15), holder.rng | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
}
