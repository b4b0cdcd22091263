/**
 * Pyodide fetches its own files and says nothing until it is ready. While it works, the answers that it gets are looked on at,
 * so that the participant sees how far it is, and a download that breaks off is an error: Pyodide would wait for ever.
 *
 * @template T
 * @param {(loaded: number, total: number) => void} show in bytes; the total is 0 while it is not known
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function watchDownloads(show, work) {
  const { fetch } = globalThis;
  /** @type {Set<{ loaded: number, total: number }>} */
  const files = new Set();
  let unanswered = 0;
  /** @type {(error: Error) => void} */
  let fail = () => {};
  /** @type {Promise<never>} */
  const failed = new Promise((_, reject) => {
    fail = reject;
  });

  function tell() {
    const all = [...files];
    const isKnown = unanswered === 0 && all.every(({ total }) => total > 0);
    show(
      all.reduce((sum, { loaded }) => sum + loaded, 0),
      isKnown ? all.reduce((sum, { total }) => sum + total, 0) : 0,
    );
  }

  /** @param {Response} copy */
  async function count(copy) {
    // Of a compressed answer the length is known, but what comes out here is longer.
    const length = copy.headers.has('content-encoding') ? 0 : Number(copy.headers.get('content-length') ?? 0);
    const file = { loaded: 0, total: length };
    files.add(file);
    const reader = copy.body?.getReader();
    for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
      file.loaded += chunk.value.length;
      tell();
    }
    file.total = file.loaded;
    tell();
  }

  globalThis.fetch = async (...request) => {
    unanswered += 1;
    try {
      const answer = await fetch(...request);
      unanswered -= 1;
      if (!answer.ok) {
        throw new Error(`${answer.url} was answered with ${answer.status}`);
      }
      count(answer.clone()).catch(fail);
      return answer;
    } catch (error) {
      fail(/** @type {Error} */ (error));
      throw error;
    }
  };
  try {
    return await Promise.race([work(), failed]);
  } finally {
    globalThis.fetch = fetch;
  }
}
