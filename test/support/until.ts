/** How long something that has to happen may take before the test fails. */
const DEADLINE_MS = 60_000;
/** Longest pause between two looks. A look is often a request, and many tests look at once. */
const LONGEST_PAUSE_MS = 25;

/**
 * Waits for what the network or another process does in its own time: the longer it takes, the seldomer it looks.
 * @param what names the condition, or tells the state in which it never came true
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string) = String(condition),
): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    const waited = performance.now() - start;
    if (waited > DEADLINE_MS) throw new Error(`never came true: ${typeof what === "string" ? what : what()}`);
    await Bun.sleep(Math.min(LONGEST_PAUSE_MS, 2 + waited / 10));
  }
}

/** The promise, or an error when it does not settle in time. */
export async function inTime<T>(promise: Promise<T>, what: string, ms = DEADLINE_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not happen in ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets everything that is under way in this process and on loopback come to its end: `rounds` turns of the event loop. */
export async function turns(rounds = 20): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
