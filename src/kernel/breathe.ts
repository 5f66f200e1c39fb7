/** Lets the event loop run everything that is ready. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Returns a function that tells whether so much time has passed since. */
export function createSpan(milliseconds: number): () => boolean {
  const since = performance.now();
  return () => performance.now() - since >= milliseconds;
}

/** Returns a function to await between steps of long work: it breathes once `milliseconds` have passed. */
export function createPauses(milliseconds = 5): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < milliseconds) return undefined;
    return breathe().then(() => {
      since = performance.now();
    });
  };
}
