import { begin } from '../begin.js';

await begin(async () => (await import('./rally.js')).loadRally(), 'pyodide');
