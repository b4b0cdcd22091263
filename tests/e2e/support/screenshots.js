import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { target } from './paths.js';

/** Where pictures of the pages go. */
export const directory = process.env.STILLHERE_SCREENSHOTS ?? join(target, 'screenshots');

/**
 * Saves what the participant sees now as NAME.png.
 *
 * @param {import('./page.js').ParticipantPage} page
 * @param {string} name
 */
export async function screenshot(page, name) {
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${name}.png`);
  await writeFile(path, await page.browser.screenshot());
  return path;
}
