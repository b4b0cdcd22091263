// A classic script has no `import.meta`: the build puts this in its place. Only while the script is first run it is known as
// the current one.
export const address = typeof document === 'undefined' ? '' : /** @type {any} */ (document.currentScript)?.src;
