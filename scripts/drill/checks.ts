import type { Follower } from "./followers.ts";
import type { Ledger } from "./ledger.ts";
import type { DrilledRelay } from "./relay.ts";
import type { Member } from "./senders.ts";

interface Stored {
  id: number;
  from: string;
  to: string;
  kind: string;
  body: string;
  replyTo: number | null;
  claimable: boolean;
  state: string | null;
  createdAt: string;
  idempotencyKey: string | null;
}

const AT_ONCE = 16;

/** All that is stored, oldest first. */
export async function readLog(relay: DrilledRelay): Promise<Stored[]> {
  const stored: Stored[] = [];
  for (let page: string | null = ""; page !== null; ) {
    const path: string = `/v1/messages?limit=500${page ? `&page=${page}` : ""}`;
    const { body } = await relay.insist("GET", path, relay.operatorToken);
    stored.push(...body.items);
    page = body.nextPage;
  }
  return stored.reverse();
}

/** G1, G5: every send that was answered is there, once, as it was sent; and nothing else is. */
export function checkSends(ledger: Ledger, log: readonly Stored[]): void {
  const byKey = Map.groupBy(
    log.filter((one) => one.idempotencyKey !== null),
    (one) => one.idempotencyKey,
  );
  for (const { key, from, to, body, id } of ledger.accepted.values()) {
    const [found, ...more] = byKey.get(key) ?? [];
    if (!found) ledger.violate(`G1: ${key} was accepted as ${id}, and is gone`);
    else if (more.length) ledger.violate(`G5: ${key} is there ${more.length + 1} times`);
    else if (typeof id === "number" && found.id !== id)
      ledger.violate(`G1: ${key} was accepted as ${id}, and is ${found.id}`);
    else if (found.from !== from || found.to !== to || found.body !== body)
      ledger.violate(`G1: ${key} (${id}) is not what was sent`);
  }
  for (const key of byKey.keys())
    if (key !== null && !ledger.accepted.has(key))
      ledger.violate(`${key} is there, but its sender never had an answer`);
  for (const message of log) ledger.see(message);
}

/** G4: everything is done, once, by whoever was answered so; and its sender has one result. */
export async function checkWork(
  relay: DrilledRelay,
  ledger: Ledger,
  log: readonly Stored[],
  senders: readonly Member[],
) {
  const results = new Map<number, number>();
  for (const sender of senders)
    for (const { kind, replyTo } of await readInbox(relay, sender))
      if (kind === "response" && replyTo !== null) results.set(replyTo, (results.get(replyTo) ?? 0) + 1);

  const work = log.filter((one) => one.claimable);
  for (let i = 0; i < work.length; i += AT_ONCE) await Promise.all(work.slice(i, i + AT_ONCE).map(checkOne));

  async function checkOne({ id }: Stored): Promise<void> {
    const { body } = await relay.insist("GET", `/v1/messages/${id}`, relay.operatorToken);
    const ends: { agentId: string; outcome: string | null }[] = body.attempts;
    const completions = ends.filter((end) => end.outcome === "completed").map((end) => end.agentId);
    if (body.state !== "done") ledger.violate(`G4: ${id} is ${body.state}, not done`);
    if (completions.length !== 1) ledger.violate(`G4: ${id} was completed ${completions.length} times`);
    if (completions[0] !== ledger.completed.get(id))
      ledger.violate(`G4: ${id} was completed by ${completions[0]}, but ${ledger.completed.get(id)} was answered so`);
    if (results.get(id) !== 1) ledger.violate(`G4: ${id} has ${results.get(id) ?? 0} results`);
  }
}

/** G3: each follower saw each message for it once and in order, over all its connections. */
export function checkFollowers(
  ledger: Ledger,
  log: readonly Stored[],
  followers: readonly Follower[],
  group: string,
): void {
  for (const { id: me, seen } of followers) {
    const expected = log.filter(({ to, from }) => to === me || (to === group && from !== me)).map(({ id }) => id);
    const had = new Set(seen);
    const missed = expected.filter((id) => !had.has(id));
    const wanted = new Set(expected);
    const strange = seen.filter((id) => !wanted.has(id));
    if (missed.length) ledger.violate(`G3: ${me} missed ${missed.length}: ${missed.slice(0, 5)}`);
    if (strange.length) ledger.violate(`G3: ${me} saw what was not for it: ${strange.slice(0, 5)}`);
    if (had.size !== seen.length) ledger.violate(`G3: ${me} saw ${seen.length - had.size} twice`);
  }
}

async function readInbox(relay: DrilledRelay, { id, token }: Member): Promise<Stored[]> {
  const items: Stored[] = [];
  let after = 0;
  for (let more = true; more; ) {
    const { body } = await relay.insist("GET", `/v1/agents/${id}/inbox?after=${after}&limit=500`, token);
    items.push(...body.items);
    after = body.next;
    more = body.more;
  }
  return items;
}
