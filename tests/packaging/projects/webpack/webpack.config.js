import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

/** @type {import('webpack').Configuration} */
export default {
  context: here,
  mode: 'production',
  entry: { main: './main.js', inline: './inline.js' },
  output: { path: `${here}dist` },
};
