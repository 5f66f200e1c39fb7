import type { AgentHead } from "../../identity/agents/row.ts";
import { isGroup } from "../../identity/agents/target.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Explanation, Fact, RecipientStory } from "../../protocol/explain.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Base } from "../base.ts";
import type { Deliveries } from "../inbox/deliveries.ts";
import type { DeliveryRow } from "../inbox/row.ts";
import type { AttemptRow, WorkRow } from "../work/row.ts";
import type { Access } from "./access.ts";
import type { MessageRow } from "./row.ts";
import { type FirstDelivery, type Known, recipientParts, utcText } from "./sentences.ts";

const MAX_ATTEMPTS = 200;
/** The first delivery of an entry is among the nearest ranges; a page of 500 recipients reads this many for each. */
const MAX_RANGES = 40;

/** Capability of an agent that says when a message is in a model turn. */
const RECEIPTS = "receipts";

/** A message that went into a model turn of an agent. */
export interface InTurn {
  agentId: string;
  at: number;
}

/** The story of a message: facts, and one plain sentence for each recipient. */
export function createExplainer(base: Base, access: Access, deliveries: Deliveries) {
  const { clock, hooks } = base.kernel;
  const { auth, directory, roster } = base.identity;
  const { messages: store, work: works } = base.rows;
  /** Further facts about a message. */
  const facts = hooks.question<[row: MessageRow], Fact[]>("messages.story");

  /** Model turns that a message went into, earliest first. */
  const inTurns = hooks.question<[messageId: number], InTurn[]>("messages.inTurns");

  /** Whether an agent has begun a turn of a run: it says when a message is in one. */
  const runsTurns = hooks.question<[agentId: string], boolean>("messages.runsTurns");

  /** `GET /v1/messages/{id}/explain`. @throws Problem 403, 404 */
  async function explain(on: ReadTx, caller: Caller, id: number, after: string, limit: number): Promise<Explanation> {
    const row = await access.requireReadable(on, caller, id);
    const work = row.claimable ? await works.byId(on, id) : undefined;
    const attempts = work ? await works.attemptsOf(on, work, MAX_ATTEMPTS) : [];
    const replies = await store.repliesTo(on, row);
    const turns = (await inTurns.all(on, id)).flat();
    const found = await recipientsOf(on, row, after, limit + 1);
    const recipients: RecipientStory[] = [];
    const pause = createPauses();
    for (const agent of found.slice(0, limit)) {
      if (agent.id === row.fromId && isGroup(row.target)) continue;
      recipients.push(await story(on, row, agent, { all: attempts, work, repliedAt: replies.get(agent.id), turns }));
      await pause();
    }
    const nextPage = found.length > limit ? (found[limit - 1]?.id ?? null) : null;
    const all = [...factsOf(row, attempts, work, clock.now()), ...(await facts.all(on, row)).flat()];
    return { messageId: id, facts: all.sort(byTime), recipients, nextPage };
  }

  async function recipientsOf(on: ReadTx, row: MessageRow, after: string, limit: number): Promise<AgentHead[]> {
    // Empty when the agent id was registered after the message.
    return directory.membersAt(on, row.target, row.id, after, limit);
  }

  async function story(
    on: ReadTx,
    row: MessageRow,
    agent: AgentHead,
    { all, work, repliedAt, turns }: Happened,
  ): Promise<RecipientStory> {
    const [attempts = [], others = []] = [true, false].map((mine) =>
      all.filter((attempt) => (attempt.agentId === agent.id) === mine),
    );
    const ranges = await covering(on, agent.id, row);
    const offer = earlier(ranges[0], attempts[0]);
    const handedAt = ranges.find(({ transport }) => transport !== "named")?.at;
    const ackedAt = agent.cursor >= row.id ? await directory.ackedAt(on, agent.id, row.id) : undefined;
    const readAt = await store.readAt(on, row.id, agent.id);
    const acked = agent.cursor >= row.id;
    const taker = takenBy(agent.id, row, work, others);
    const inTurnAt = turns.find(({ agentId }) => agentId === agent.id)?.at;
    const now = clock.now();
    const known: Known = { offer, handedAt, inTurnAt, acked, ackedAt, readAt, repliedAt, attempts, taker, row, now };
    const reached = stepOf(known);
    const seenAt = Math.max(agent.lastSeenAt, roster.get(agent.id)?.lastSeenAt ?? 0);
    const parts = recipientParts(agent, { known, work, step: reached.step, seenAt });
    const impossible = inTurnAt === undefined ? await impossibleFor(on, agent) : [];
    return { agentId: agent.id, ...reached, impossible, sentence: utcText(parts, now), parts };
  }

  /** Steps of a message's way that a recipient has no means to report. */
  async function impossibleFor(on: ReadTx, { id, kind }: AgentHead): Promise<RecipientStory["impossible"]> {
    const isTold = roster.get(id)?.capabilities.includes(RECEIPTS) || (await auth.isManaged(on, id));
    const may = kind === "provider" && (isTold || (await runsTurns.first(on, id)) === true);
    return may ? [] : ["in-turn"];
  }

  /** Deliveries of a message to an agent, oldest first. */
  async function covering(on: ReadTx, agentId: string, { id, expiresAt }: MessageRow): Promise<DeliveryRow[]> {
    const ranges = await deliveries.beyond(on, agentId, id - 1, MAX_RANGES);
    // Expired entries were passed over, although they lie in the range.
    const inTime = ({ at }: DeliveryRow) => expiresAt === null || at < expiresAt;
    const some = ranges.filter((range) => range.afterId < id && id <= range.upToId && inTime(range));
    return some.sort((a, b) => a.at - b.at);
  }

  return {
    explain,
    story: facts,
    inTurns,
    runsTurns,
  };
}

const STEP_OF = {
  completed: "completed",
  released: "released",
  failed: "failed",
  expired: "lease-expired",
  cancelled: "cancelled",
} as const;

/** One message's leases, and when its recipient replied. */
interface Happened {
  all: readonly AttemptRow[];
  work: WorkRow | undefined;
  repliedAt: number | undefined;
  turns: readonly InTurn[];
}

/** A claim delivers the message, too. */
function earlier(offer: DeliveryRow | undefined, attempt: AttemptRow | undefined): FirstDelivery | undefined {
  if (!attempt || (offer && offer.at <= attempt.claimedAt)) return offer;
  return { at: attempt.claimedAt, transport: "claim" };
}

/** The lease of another that holds a group's work, or did it. */
function takenBy(agentId: string, row: MessageRow, work: WorkRow | undefined, others: readonly AttemptRow[]) {
  if (!work || !isGroup(row.target) || work.holder === agentId) return undefined;
  if (work.state === "claimed") return others.findLast(({ endedAt }) => endedAt === null);
  return work.state === "done" ? others.findLast(({ outcome }) => outcome === "completed") : undefined;
}

/** The recipient's furthest step, furthest first. */
function stepOf(known: Known): Pick<RecipientStory, "step" | "at"> {
  const last = known.attempts.at(-1);
  if (last?.outcome) return { step: STEP_OF[last.outcome], at: timeOf(last.endedAt) };
  if (last) return { step: "claimed", at: timeOf(last.claimedAt) };
  if (known.inTurnAt !== undefined) return { step: "in-turn", at: timeOf(known.inTurnAt) };
  if (known.acked) return { step: "acknowledged", at: timeOf(known.ackedAt) };
  if (known.readAt !== undefined) return { step: "read", at: timeOf(known.readAt) };
  if (known.repliedAt !== undefined) return { step: "answered", at: timeOf(known.repliedAt) };
  if (known.taker) return { step: "not-needed", at: timeOf(known.taker.claimedAt) };
  if (known.row.expiresAt !== null && known.row.expiresAt <= known.now)
    return { step: "expired", at: timeOf(known.row.expiresAt) };
  if (known.handedAt !== undefined) return { step: "offered", at: timeOf(known.handedAt) };
  return known.offer ? { step: "named", at: timeOf(known.offer.at) } : { step: "waiting", at: null };
}

const timeOf = (at: number | null | undefined): string | null => (at == null ? null : toTime(at));

/** Facts of the message itself, oldest first. */
function factsOf(row: MessageRow, attempts: AttemptRow[], work: WorkRow | undefined, now: number): Fact[] {
  const facts: Fact[] = [
    {
      at: toTime(row.createdAt),
      step: "stored",
      id: row.id,
      from: row.fromId,
      to: row.target,
      via: row.via,
      person: row.person,
    },
    { at: toTime(row.createdAt), step: "matched", target: row.target, members: row.matched },
  ];
  for (const attempt of attempts) {
    const { agentId } = attempt;
    facts.push({ at: toTime(attempt.claimedAt), step: "claimed", agentId, attempt: attempt.attempt });
    if (attempt.renewedAt !== null) facts.push({ at: toTime(attempt.renewedAt), step: "renewed", agentId });
    if (attempt.endedAt === null || attempt.outcome === null) continue;
    const at = toTime(attempt.endedAt);
    facts.push({ at, step: STEP_OF[attempt.outcome], agentId, ...(attempt.error ? { error: attempt.error } : {}) });
    if (attempt.resultId !== null) facts.push({ at, step: "answered", agentId, messageId: attempt.resultId });
  }
  const ended = work?.endedAt == null ? undefined : toTime(work.endedAt);
  if (ended && (work?.state === "dead" || work?.state === "expired" || work?.state === "cancelled"))
    facts.push({ at: ended, step: work.state, attempts: work.attempts, ...(work.error ? { error: work.error } : {}) });
  if (row.expiresAt !== null && row.expiresAt <= now && !row.claimable)
    facts.push({ at: toTime(row.expiresAt), step: "expired" });
  return facts;
}

const byTime = (a: Fact, b: Fact): number => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0);
