import type { AgentHead } from "../../identity/agents/row.ts";
import type { RecipientStory } from "../../protocol/explain.ts";
import { type TextPart, toldText } from "../../protocol/told.ts";
import { toTime } from "../../protocol/wire.ts";
import type { DeliveryRow } from "../inbox/row.ts";
import type { AttemptRow, WorkRow } from "../work/row.ts";
import type { MessageRow } from "./row.ts";

/** The first delivery. */
export interface FirstDelivery {
  at: number;
  transport: DeliveryRow["transport"] | "claim";
}

/** All that is known of a message and one recipient. */
export interface Known {
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

const ENDS = {
  completed: "completed",
  released: "released",
  failed: "failed",
  expired: "lost the lease",
  cancelled: "cancelled",
} as const;

/** Words, with numbers for times in ms. */
function said(texts: TemplateStringsArray, ...values: (string | number)[]): TextPart[] {
  const parts: TextPart[] = [];
  for (const [index, text] of texts.entries()) {
    const value = values[index];
    parts.push(text, typeof value === "number" ? { at: toTime(value) } : (value ?? ""));
  }
  return parts;
}

/** One sentence of several, its words in as few parts as there can be. */
function joined(sentences: readonly (readonly TextPart[])[]): TextPart[] {
  const parts: TextPart[] = [];
  for (const part of sentences.flatMap((one, index) => (index === 0 ? one : [", ", ...one]))) {
    const last = parts.at(-1);
    if (typeof part === "string" && typeof last === "string") parts[parts.length - 1] = last + part;
    else parts.push(part);
  }
  return parts;
}

/** Story of a message with one recipient, in one sentence. */
export function recipientParts(agent: AgentHead, { known, work, step, seenAt }: Told): TextPart[] {
  const parts = joined([...seen(agent.id, known), ...wentOn(known, work, step)]);
  return joined([[...parts, "; ", ...lastSeen(agent, seenAt, known.now)]]);
}

type Step = RecipientStory["step"];

interface Told {
  known: Known;
  work: WorkRow | undefined;
  step: Step;
  /** Last time that the recipient was heard of. */
  seenAt: number;
}

/** Times of a sentence in UTC, with the date unless it is today. */
export function utcText(parts: readonly TextPart[], now: number): string {
  const today = toTime(now).slice(0, 10);
  return toldText(parts, (at) => {
    const [day = "", time = ""] = at.split("T");
    return `${day === today ? "" : `${day} `}${time.slice(0, 8)}Z`;
  });
}

/** Sentences on whether the recipient has the message. "Not offered" is said only where no record shows that it has. */
function seen(agentId: string, { offer, acked, readAt, repliedAt, attempts, taker, inTurnAt, row }: Known) {
  if (row.withheld !== null && (JSON.parse(row.withheld) as string[]).includes(agentId))
    return [said`not sent on to ${agentId}: ${row.fromId} may not start it`];
  if (offer?.transport === "named") return [said`named as a cause by ${agentId} at ${offer.at}`];
  if (offer) return [said`offered to ${agentId} at ${offer.at} by ${offer.transport}`];
  const isShown =
    acked || inTurnAt !== undefined || readAt !== undefined || repliedAt !== undefined || attempts.length > 0;
  return isShown || taker ? [] : [said`not offered to ${agentId} so far as is recorded`];
}

/** The recipient's steps, in order. */
function wentOn(known: Known, work: WorkRow | undefined, step: Step): TextPart[][] {
  const { acked, ackedAt, readAt, repliedAt, attempts, taker, row } = known;
  const all = attempts.slice(-3).map((attempt) => attemptParts(attempt, work));
  if (known.inTurnAt !== undefined) all.push(said`in a model turn at ${known.inTurnAt}`);
  if (repliedAt !== undefined) all.push(said`replied at ${repliedAt}`);
  if (acked) all.push(ackedAt === undefined ? ["acknowledged"] : said`acknowledged at ${ackedAt}`);
  else if (readAt !== undefined) all.push(said`marked read at ${readAt}, not acknowledged`);
  else if (!taker && attempts.at(-1)?.outcome !== "completed") all.push(["not acknowledged"]);
  if (taker) all.push(said`not needed, ${taker.agentId} has it`);
  if (taker?.endedAt != null) all.push(said`completed at ${taker.endedAt}`);
  if (step === "expired") all.push(said`expired at ${row.expiresAt ?? 0}`);
  return all;
}

function attemptParts(attempt: AttemptRow, work: WorkRow | undefined): TextPart[] {
  const claimed = said`claimed at ${attempt.claimedAt} (attempt ${String(attempt.attempt)})`;
  if (attempt.endedAt !== null)
    return [...claimed, ...said`, ${ENDS[attempt.outcome ?? "expired"]} at ${attempt.endedAt}`];
  return [...claimed, ", holding it", ...(work?.dueAt ? said` until ${work.dueAt}` : [])];
}

function lastSeen(agent: AgentHead, seenAt: number, now: number): TextPart[] {
  if (agent.deletedAt !== null) return said`${agent.id} was deleted at ${agent.deletedAt}`;
  const seconds = Math.max(0, Math.round((now - seenAt) / 1000));
  const away = agent.status === "offline" ? " and is offline" : "";
  // Adapters and people have ways of their own to notice.
  const looks = agent.kind === "provider" ? ", reads only when it looks" : "";
  const reach = agent.reach === "asked" ? looks : `, reachable ${agent.reach}`;
  return said`${agent.id} last seen ${ago(seconds)} ago${away}${reach}`;
}

function ago(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}
