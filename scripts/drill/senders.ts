import type { Accepted, Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";
import type { Answer, DrilledRelay } from "./relay.ts";

export interface Member {
  id: string;
  token: string;
}

export interface Scene {
  relay: DrilledRelay;
  ledger: Ledger;
  /** Whom messages are for, and to whom work is given. */
  targets: readonly string[];
  /** Whether there is to be more. */
  goesOn(): boolean;
}

interface Draft {
  to: string;
  body: string;
  idempotencyKey: string;
  claimable?: boolean;
  maxAttempts?: number;
  deliverAt?: string;
}

/** Sends one thing after the other, each until it was answered, some of them again; ends when `goesOn` says so. */
export async function send(scene: Scene, me: Member, random: Random): Promise<void> {
  const { relay, ledger } = scene;
  let count = 0;
  const last: Draft[] = [];

  function draft(): Draft {
    const idempotencyKey = `${me.id}-${++count}`;
    const made = {
      to: random.pick(scene.targets),
      body: `${idempotencyKey} ${"x".repeat(random.between(0, 600))}`,
      idempotencyKey,
    };
    if (random.chance(0.15)) return { ...made, to: "tag:worker", claimable: true, maxAttempts: 100 };
    if (random.chance(0.03))
      return { ...made, deliverAt: new Date(Date.now() + random.between(50, 800)).toISOString() };
    return made;
  }

  function take(sent: Draft, { status, body }: Pick<Answer, "status" | "body">, again: boolean): void {
    if (status >= 300) return ledger.violate(`a send of ${me.id} was answered ${status}: ${JSON.stringify(body)}`);
    if (again && status === 201) ledger.violate(`G5: ${sent.idempotencyKey} was answered before, and is new again`);
    const id = body.id ?? body.scheduleId;
    const accepted: Accepted = { ...keyOf(sent), from: me.id, claimable: sent.claimable ?? false, id };
    ledger.accept(accepted);
    if (body.id !== undefined) ledger.see(body);
  }

  async function sendOne(one: Draft, again = false): Promise<void> {
    take(one, await relay.insist("POST", "/v1/messages", me.token, one), again);
  }

  async function sendSome(some: Draft[]): Promise<void> {
    const { status, body } = await relay.insist("POST", "/v1/messages/batch", me.token, { messages: some });
    if (status !== 201) return ledger.violate(`a batch of ${me.id} was answered ${status}: ${JSON.stringify(body)}`);
    for (const [i, one] of some.entries()) take(one, { status: 200, body: body.items[i] }, false);
  }

  while (scene.goesOn()) {
    const drafts = random.chance(0.1) ? [draft(), draft(), draft()] : [draft()];
    const [first] = drafts;
    if (drafts.length > 1) await sendSome(drafts);
    else if (first) await sendOne(first);
    last.push(...drafts);
    // What was answered before is answered the same, however many crashes lie between.
    if (random.chance(0.1)) await sendOne(random.pick(last), true);
    await Bun.sleep(random.between(0, 40));
  }
}

const keyOf = ({ idempotencyKey, to, body }: Draft) => ({ key: idempotencyKey, to, body });
