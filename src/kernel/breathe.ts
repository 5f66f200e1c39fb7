/** Lets the event loop carry out everything else that is ready, then goes on. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Returns a function to be awaited between the steps of long work: it breathes once `milliseconds` have gone by. */
export function createPauses(milliseconds = 5): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < milliseconds) return undefined;
    return breathe().then(() => {
      since = performance.now();
    });
  };
}
