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

const MAX_ATTEMPTS = 200;
/** The first delivery of an entry is among the nearest ranges; a page of 500 recipients reads this many for each. */
const MAX_RANGES = 40;

/** A message that went into a model turn of an agent. */
export interface InTurn {
  agentId: string;
  at: number;
}

/** The story of a message: facts, and one plain sentence for each recipient. */
export function createExplainer(base: Base, access: Access, deliveries: Deliveries) {
  const { clock, hooks } = base.kernel;
  const { directory, roster } = base.identity;
  const { messages: store, work: works } = base.rows;
  /** Further facts about a message. */
  const facts = hooks.question<[row: MessageRow], Fact[]>("messages.story");

  /** Model turns that a message went into, earliest first. */
  const inTurns = hooks.question<[messageId: number], InTurn[]>("messages.inTurns");

  /** `GET /v1/messages/{id}/explain`. @throws Problem 403, 404 */
  async function explain(on: ReadTx, caller: Caller, id: number, after: string, limit: number): Promise<Explanation> {
    const row = await access.requireReadable(on, caller, id);
    const work = row.claimable ? await works.byId(on, id) : undefined;
    const attempts = work ? await works.attemptsOf(on, id, MAX_ATTEMPTS) : [];
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
    const sentence = [...seen(agent.id, known), ...wentOn(known, work, reached.step)].join(", ");
    return { agentId: agent.id, ...reached, sentence: `${sentence}; ${lastSeen(agent)}` };
  }

  /** Sentences on whether the recipient has the message. "Not offered" is said only where no record shows that it has. */
  function seen(agentId: string, { offer, acked, readAt, repliedAt, attempts, taker, inTurnAt, row }: Known): string[] {
    if (row.withheld !== null && (JSON.parse(row.withheld) as string[]).includes(agentId))
      return [`not sent on to ${agentId}: ${row.fromId} may not start it`];
    if (offer?.transport === "named") return [`named as a cause by ${agentId} at ${spoken(offer.at)}`];
    if (offer) return [`offered to ${agentId} at ${spoken(offer.at)} by ${offer.transport}`];
    const isShown =
      acked || inTurnAt !== undefined || readAt !== undefined || repliedAt !== undefined || attempts.length > 0;
    return isShown || taker ? [] : [`not offered to ${agentId} so far as is recorded`];
  }

  /** The recipient's steps, in order. */
  function wentOn(known: Known, work: WorkRow | undefined, step: RecipientStory["step"]): string[] {
    const { acked, ackedAt, readAt, repliedAt, attempts, taker, row } = known;
    const said = attempts.slice(-3).map((attempt) => attemptSpoken(attempt, work));
    if (known.inTurnAt !== undefined) said.push(`in a model turn at ${spoken(known.inTurnAt)}`);
    if (repliedAt !== undefined) said.push(`replied at ${spoken(repliedAt)}`);
    if (acked) said.push(ackedAt === undefined ? "acknowledged" : `acknowledged at ${spoken(ackedAt)}`);
    else if (readAt !== undefined) said.push(`marked read at ${spoken(readAt)}, not acknowledged`);
    else if (!taker && attempts.at(-1)?.outcome !== "completed") said.push("not acknowledged");
    if (taker) said.push(`not needed, ${taker.agentId} has it`);
    if (taker?.endedAt != null) said.push(`completed at ${spoken(taker.endedAt)}`);
    if (step === "expired") said.push(`expired at ${spoken(row.expiresAt ?? 0)}`);
    return said;
  }

  /** Deliveries of a message to an agent, oldest first. */
  async function covering(on: ReadTx, agentId: string, { id, expiresAt }: MessageRow): Promise<DeliveryRow[]> {
    const ranges = await deliveries.beyond(on, agentId, id - 1, MAX_RANGES);
    // Expired entries were passed over, although they lie in the range.
    const inTime = ({ at }: DeliveryRow) => expiresAt === null || at < expiresAt;
    const some = ranges.filter((range) => range.afterId < id && id <= range.upToId && inTime(range));
    return some.sort((a, b) => a.at - b.at);
  }

  function lastSeen(agent: AgentHead): string {
    if (agent.deletedAt !== null) return `${agent.id} was deleted at ${spoken(agent.deletedAt)}`;
    const at = Math.max(agent.lastSeenAt, roster.get(agent.id)?.lastSeenAt ?? 0);
    const seconds = Math.max(0, Math.round((clock.now() - at) / 1000));
    const away = agent.status === "offline" ? " and is offline" : "";
    // Adapters and people have ways of their own to notice.
    const looks = agent.kind === "provider" ? ", reads only when it looks" : "";
    const reach = agent.reach === "asked" ? looks : `, reachable ${agent.reach}`;
    return `${agent.id} last seen ${ago(seconds)} ago${away}${reach}`;
  }

  /** In UTC, with the date unless it is today. */
  function spoken(at: number): string {
    const [day = "", time = ""] = toTime(at).split("T");
    const isToday = day === toTime(clock.now()).slice(0, 10);
    return `${isToday ? "" : `${day} `}${time.slice(0, 8)}Z`;
  }

  function attemptSpoken(attempt: AttemptRow, work: WorkRow | undefined): string {
    const claimed = `claimed at ${spoken(attempt.claimedAt)} (attempt ${attempt.attempt})`;
    if (attempt.endedAt !== null)
      return `${claimed}, ${ENDS[attempt.outcome ?? "expired"]} at ${spoken(attempt.endedAt)}`;
    const until = work?.dueAt ? ` until ${spoken(work.dueAt)}` : "";
    return `${claimed}, holding it${until}`;
  }

  return {
    explain,
    story: facts,
    inTurns,
  };
}

const ENDS = {
  completed: "completed",
  released: "released",
  failed: "failed",
  expired: "lost the lease",
  cancelled: "cancelled",
} as const;

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

/** The first delivery. */
interface FirstDelivery {
  at: number;
  transport: DeliveryRow["transport"] | "claim";
}

/** A claim delivers the message, too. */
function earlier(offer: DeliveryRow | undefined, attempt: AttemptRow | undefined): FirstDelivery | undefined {
  if (!attempt || (offer && offer.at <= attempt.claimedAt)) return offer;
  return { at: attempt.claimedAt, transport: "claim" };
}

interface Known {
  /** First time that it went into a model turn. */
  inTurnAt: number | undefined;
  /** The first record of the message with the recipient, that it named the message as a cause included. */
  offer: FirstDelivery | undefined;
  /** First time that the relay handed it over. */
  handedAt: number | undefined;
  acked: boolean;
  ackedAt: number | undefined;
  readAt: number | undefined;
  repliedAt: number | undefined;
  attempts: AttemptRow[];
  /** The lease of another member, where this one was not needed. */
  taker: AttemptRow | undefined;
  row: MessageRow;
  now: number;
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

function ago(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}
