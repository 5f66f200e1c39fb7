import type { Random } from "./random.ts";
import type { Member, Scene } from "./senders.ts";

interface Held {
  message: { id: number; from: string; body: string; createdAt: string; idempotencyKey: string | null };
  claim: { token: string };
}

/** Claims work and finishes most of it. When an answer is lost, it asks what it holds. Ends when `goesOn` says so. */
export async function work(scene: Scene, me: Member, random: Random): Promise<void> {
  const { relay, ledger } = scene;

  async function claim(): Promise<Held[]> {
    const path = `/v1/agents/${me.id}/claims`;
    const want = { max: random.between(1, 4), waitSeconds: 1, leaseSeconds: 3600 };
    const answer = await relay.once("POST", path, me.token, want);
    if (answer?.status === 200) return answer.body.items;
    if (answer && answer.status !== 503) ledger.violate(`a claim of ${me.id} was answered ${answer.status}`);
    const held = await relay.insist("GET", path, me.token);
    return held.body.items;
  }

  async function end({ message, claim }: Held): Promise<void> {
    const how = random.chance(0.85) ? "complete" : random.pick(["release", "fail"]);
    const more = { complete: { result: `${message.id} by ${me.id}` }, release: {}, fail: { error: "by chance" } }[how];
    const answer = await relay.insist("POST", `/v1/messages/${message.id}/${how}`, me.token, {
      token: claim.token,
      ...more,
    });
    if (answer.status !== 200)
      ledger.violate(`G4: ${me.id} held ${message.id}, but ${how} was answered ${JSON.stringify(answer.body)}`);
    else if (how === "complete") ledger.complete(message.id, me.id);
  }

  while (scene.goesOn()) {
    await relay.up();
    for (const held of await claim()) {
      ledger.see(held.message);
      await end(held);
    }
  }
}
