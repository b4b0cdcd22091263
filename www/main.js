import { begin } from './begin.js';

await begin(async () => (await import('./stars.js')).stars);
