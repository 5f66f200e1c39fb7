import type { Areas } from "../../core/core.ts";
import type { Lineage, MessageRow } from "../../core/messages/row.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { isGroup } from "../../identity/agents/target.ts";
import { type Caller, readsAll } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Explanation, Fact, LADDER, RecipientStory } from "../../protocol/explain.ts";
import type { WatchedMessage } from "../../protocol/late.ts";
import { Problem } from "../../protocol/problem.ts";
import { fromTime, toTime } from "../../protocol/wire.ts";

const DAY_MS = 24 * 3_600_000;
/** Time that one step may take. */
const STEP_MS = 10 * 60_000;
/** Newest messages by people, and open requests, that are looked at. */
const MAX_CANDIDATES = 500;
const MAX_REQUESTS = 200;
/** Messages of each kind in the list: the story of each is read, which takes a millisecond. */
const MAX_SHOWN = 30;
/** Members of a group whose story is read. */
const MAX_MEMBERS = 5;
const MAX_TITLE = 120;

/** Kinds by which people say something that they expect to arrive. */
const SPOKEN = new Set<Lineage["kind"]>(["chat", "task", "request"]);
/** Steps at which a message has come to its end. */
const OVER = new Set<RecipientStory["step"]>(["answered", "completed", "expired", "cancelled", "not-needed"]);
/** Steps after which it is with the recipient's model, or was seen by it. */
const TAKEN = new Set<RecipientStory["step"]>(["in-turn", "acknowledged", "read", "claimed", "renewed"]);
const UNSEEN = new Set<RecipientStory["step"]>(["waiting", "stored", "matched"]);

export type Late = ReturnType<typeof createLate>;
type Rung = (typeof LADDER)[number];
type Standing = Pick<WatchedMessage, "reached" | "missing" | "at"> & { isAtWork: boolean };

/** Messages that people wait for: which of them got stuck on their way. */
export function createLate({ kernel, core, runs, delegations }: Areas & { runs: Runs; delegations: Delegations }) {
  const { clock } = kernel;
  const { messages, work } = core;

  /** Newest first: messages by people whose thread did not go on since. */
  async function spoken(on: ReadTx): Promise<number[]> {
    const { ids } = await messages.search.sentBy(on, "user", { oldestFirst: false }, MAX_CANDIDATES);
    const found: number[] = [];
    const seen = new Set<string>();
    const pause = createPauses();
    for (const id of ids) {
      await pause();
      const entry = await messages.rows.lineage(on, id);
      if (!entry || entry.createdAt < clock.now() - DAY_MS) break;
      const { target, threadId, kind } = entry;
      if (!SPOKEN.has(kind) || target === "user" || target === "system") continue;
      // A later message to the same target stands for those before it.
      const place = `${threadId ?? id} ${target}`;
      if (seen.has(place)) continue;
      seen.add(place);
      if (!wentOn(on, entry)) found.push(id);
    }
    return found;
  }

  /** The recipient has spoken in its thread since. */
  const wentOn = (on: ReadTx, { id, threadId, target, fromId }: Lineage): boolean =>
    messages.linkStore
      .thread(on, threadId ?? id)
      .some((later) => later.id > id && (isGroup(target) ? later.fromId !== fromId : later.fromId === target));

  /** Requests that wait for an answer, those with the nearest deadline first. */
  async function requested(on: ReadTx): Promise<number[]> {
    const open = await delegations.soonest(on, MAX_REQUESTS);
    const recent = open.filter(({ createdAt }) => createdAt >= clock.now() - DAY_MS);
    // The others wait for an approval: their request was not sent yet.
    return recent.filter((row) => row.approvalId === null || row.firstId !== null).map(({ messageId }) => messageId);
  }

  async function watched(on: ReadTx, caller: Caller, id: number): Promise<WatchedMessage | undefined> {
    const row = await messages.rows.byId(on, id);
    if (!row || (await isOver(on, row))) return undefined;
    const story = await messages.explainer.explain(on, caller, id, "", MAX_MEMBERS);
    const best = story.recipients.toSorted((one, other) => rank(other) - rank(one))[0];
    const impossible = (["in-turn"] as const).filter((step) => cannot(story, step));
    const stands = await standingOf(on, row, best, story);
    if (!stands) return undefined;
    const { isAtWork, ...shown } = stands;
    const lateAt = isAtWork ? null : fromTime(stands.at) + STEP_MS;
    return {
      ...{ id, threadId: row.threadId ?? id, from: row.fromId, person: row.person, to: row.target },
      ...{ title: row.opaque ? null : (row.subject ?? row.body.slice(0, MAX_TITLE).toWellFormed()) },
      ...{ createdAt: toTime(row.createdAt), ...shown, agentId: best?.agentId ?? null },
      ...{ lateAt: lateAt === null ? null : toTime(lateAt), isLate: lateAt !== null && lateAt <= clock.now() },
      impossible,
      ...(best ? { sentence: best.sentence, parts: best.parts } : nobodyIn(row.target)),
    };
  }

  /** Work that was given up waits for people elsewhere; work that somebody holds, or that has ended, waits for nobody. */
  async function isOver(on: ReadTx, row: MessageRow): Promise<boolean> {
    if (row.expiresAt !== null && row.expiresAt <= clock.now()) return true;
    if (!row.claimable || row.kind === "request") return false;
    return (await work.rows.byId(on, row.id))?.state !== "open";
  }

  async function standingOf(
    on: ReadTx,
    row: MessageRow,
    best: RecipientStory | undefined,
    story: Explanation,
  ): Promise<Standing | undefined> {
    if (best && OVER.has(best.step)) return undefined;
    const run = await runOf(on, row.id, story.facts);
    const since = best?.at ?? toTime(run?.createdAt ?? row.createdAt);
    if (run && run.status !== "ended") return { ...standing("in-turn", "answered", since), isAtWork: true };
    const isDone = run?.messageId === row.id;
    if (isDone && row.kind !== "request") return undefined;
    if (!best) return standing("stored", "routed", since);
    if (UNSEEN.has(best.step) && !isDone) return standing("routed", "offered", toTime(row.createdAt));
    const saysNoTurn = cannot(story, "in-turn");
    if (!TAKEN.has(best.step) && !isDone) return standing("offered", saysNoTurn ? "answered" : "in-turn", since);
    // A message that was read asks for no answer; a request, and one that went into a turn without a run of its own, do.
    if (row.kind !== "request" && best.step !== "in-turn") return undefined;
    const reached = saysNoTurn && !run ? "offered" : "in-turn";
    return standing(reached, "answered", run?.endedAt ? toTime(Math.max(run.endedAt, fromTime(since))) : since);
  }

  /** The run that works on a message, or into which it went: the newest. */
  async function runOf(on: ReadTx, messageId: number, facts: readonly Fact[]) {
    const own = (await runs.ofMessage(on, messageId))?.newest.id;
    const heard = facts.findLast(({ step }) => step === "in-turn")?.runId;
    const id = own ?? (typeof heard === "string" ? heard : undefined);
    return id === undefined ? undefined : runs.book.byId(on, id);
  }

  return {
    /** `GET /v1/messages/late`. @throws Problem 403 */
    async list(on: ReadTx, caller: Caller, project: string | undefined) {
      if (!readsAll(caller)) throw new Problem("forbidden", "Only people read which messages to watch.");
      const among = async (ids: number[]): Promise<number[]> => {
        if (project === undefined) return ids;
        const kept = new Set(await messages.lists.inProject(on, ids, project));
        return ids.filter((id) => kept.has(id));
      };
      const [asked, said] = [await among(await requested(on)), await among(await spoken(on))];
      const ids = new Set([...asked.slice(0, MAX_SHOWN), ...said.slice(0, MAX_SHOWN)]);
      const pause = createPauses();
      const items: WatchedMessage[] = [];
      for (const id of ids) {
        const one = await watched(on, caller, id);
        if (one) items.push(one);
        await pause();
      }
      return { items: items.sort(byLateness), more: Math.max(asked.length, said.length) > MAX_SHOWN };
    },
  };
}

/** Whether no recipient can report a step. */
const cannot = ({ recipients }: Explanation, step: Rung): boolean =>
  recipients.length > 0 && recipients.every(({ impossible }) => impossible.includes(step));

function nobodyIn(target: string): Pick<WatchedMessage, "sentence" | "parts"> {
  const sentence = `Nobody was in ${target} when it was sent.`;
  return { sentence, parts: [sentence] };
}

const standing = (reached: Rung, missing: Rung, at: string): Standing => ({ reached, missing, at, isAtWork: false });

const rank = ({ step }: RecipientStory): number =>
  OVER.has(step) ? 4 : step === "in-turn" ? 3 : TAKEN.has(step) ? 2 : UNSEEN.has(step) ? 0 : 1;

/** The latest first; those at work last. */
function byLateness(one: WatchedMessage, other: WatchedMessage): number {
  const [a, b] = [one.lateAt ?? "~", other.lateAt ?? "~"];
  return a < b ? -1 : a > b ? 1 : other.id - one.id;
}
