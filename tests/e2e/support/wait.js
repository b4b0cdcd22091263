import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';

/**
 * Polls `probe` until it answers with something truthy, and returns that.
 *
 * A probe that throws counts as "not yet", because a page between two documents throws; the last error or value is in
 * the message when the deadline passes, so that a failure says what was seen instead of what was hoped for.
 *
 * @template T
 * @param {string} what what is waited for, as the failure message should name it
 * @param {() => T | Promise<T>} probe
 * @param {{ within?: number, every?: number }} [options] milliseconds
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(what, probe, { within = 60_000, every = 25 } = {}) {
  const deadline = performance.now() + within;
  let last = 'nothing';
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = inspect(value, { depth: 4, breakLength: 100 });
    } catch (error) {
      last = `an error: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${within} ms for ${what}; last seen: ${last}`);
    }
    await pause(every);
  }
}

/**
 * `promise`, or an error once `within` milliseconds are over.
 *
 * @template T
 * @param {string} what
 * @param {Promise<T>} promise
 * @param {number} within
 * @returns {Promise<T>}
 */
export async function inTime(what, promise, within) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${within} ms`)), within);
  });
  try {
    return /** @type {T} */ (await Promise.race([promise, late]));
  } finally {
    clearTimeout(timer);
  }
}
