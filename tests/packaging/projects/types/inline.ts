import type { ParticipantSession } from 'stillhere';
import init, { type ParticipantSession as Inline, type init as named, sendLeftOvers } from 'stillhere/inline';
import { type Equal, holds } from './equal.js';

await init();
// @ts-expect-error: it brings its module.
await init('/assets/stillhere.wasm');
holds<Equal<typeof init, typeof named>>();
holds<Equal<ReturnType<typeof Inline.attach>, ParticipantSession>>();
export const { left } = await sendLeftOvers();
