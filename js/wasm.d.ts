declare module '*.wasm' {
  /** What is in the file: the build puts it into the script. */
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
