import type { Ears, Heard } from "./run-ear.ts";

/** Keeps what is heard of an agent's runs while `step` goes on, so that nothing is missed between a call and its listener. */
export async function during<T>(ears: Ears, agentId: string, step: (heard: Heard[]) => Promise<T>): Promise<T> {
  const heard: Heard[] = [];
  const leave = await ears.listen(agentId, { heard: (one) => void heard.push(one), failed: () => undefined });
  try {
    return await step(heard);
  } finally {
    leave();
  }
}
