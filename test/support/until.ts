/** How long something that has to happen may take before the test fails. */
const DEADLINE_MS = 60_000;

/** Waits for what the network or another process does in its own time. */
export async function until(condition: () => boolean | Promise<boolean>, what = String(condition)): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`never came true: ${what}`);
    await Bun.sleep(2);
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
