import type { TestRelay } from "./relay.ts";

type Worker = { id: string; token: string };

/** Makes dead letters of an agent, whose leases run out; the relay sent the work, so that nobody is told of it. Answers their ids. */
export async function dieOf({ ask, pass }: TestRelay, worker: Worker, count: number, fields = {}): Promise<number[]> {
  const ids: number[] = [];
  for (let left = count; left > 0; left -= 1000) {
    const draft = { from: "system", to: worker.id, body: "work", claimable: true, maxAttempts: 1, ...fields };
    const messages = Array.from({ length: Math.min(left, 1000) }, () => draft);
    const { status, body } = await ask("POST", "/v1/messages/batch", { messages });
    if (status > 201) throw new Error(JSON.stringify(body));
    ids.push(...body.items.map(({ id }: { id: number }) => id));
  }
  for (let left = count; left > 0; left -= 100)
    await ask("POST", `/v1/agents/${worker.id}/claims`, { max: Math.min(left, 100), leaseSeconds: 1 }, worker);
  await pass(2000);
  return ids;
}
