import type { Areas } from "../../core/core.ts";
import type { Lineage } from "../../core/messages/row.ts";
import type { Asker, PlacedNode } from "../../core/trees/trees.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { AgentId } from "../../protocol/ids.ts";
import type { Conversation } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ParsedRun, RunRequester } from "../../protocol/runs.ts";
import type { Delegations } from "../delegations/delegations.ts";
import type { RunAccess } from "./access.ts";
import { turnIdOf } from "./fence.ts";
import type { RunRow } from "./row.ts";
import type { RunStore } from "./store.ts";
import { runLists } from "./store-lists.ts";
import { isRunning } from "./view.ts";

/** A run that is about to be made. */
export interface Wanted {
  caller: Caller;
  /** Agent that asks for it. */
  actor: AgentId;
  agentId: AgentId;
  body: ParsedRun;
  /** Header Signalbox-Run of the request. */
  token: string | null;
  message: Lineage | undefined;
  /** Its result is the answer to a delegation or a claim. */
  serving: Serving | undefined;
}

/** Delegation, or claimed work, that a run serves. */
export type Serving = { delegation: Served } | { delegation?: undefined; messageId: number };
type Served = NonNullable<Awaited<ReturnType<Delegations["servedBy"]>>>;

export interface Parent {
  run: RunRow;
  /** The new run is a spawn of it. */
  isSpawn: boolean;
}

/** Kinds whose readers owe nobody the result of their run. */
const ENDS: ReadonlySet<string> = new Set(["announcement", "response", "system", "control"]);

export type Family = ReturnType<typeof createFamily>;

/** Place of a new run among others: what it serves, its parent, its requester. */
export function createFamily(
  { identity, core, delegations }: Areas & { delegations: Delegations },
  store: RunStore,
  access: RunAccess,
) {
  const { directory } = identity;
  const { messages } = core;
  const { rows: works } = core.work;

  /** The delegation or the held claim that a run on a message serves. */
  async function servingOf(on: ReadTx, agentId: AgentId, message: Lineage | undefined): Promise<Serving | undefined> {
    if (!message) return undefined;
    const delegation = message.kind === "request" ? await delegations.servedBy(on, message.id, agentId) : undefined;
    if (delegation) return { delegation };
    const work = await works.byId(on, message.id);
    return work?.state === "claimed" && work.holder === agentId ? { messageId: message.id } : undefined;
  }

  /** Parent: named, else the run in the header, else the asker's of its delegation, else the one that the caller works in. */
  async function parentOf(on: ReadTx, wanted: Wanted): Promise<Parent | undefined> {
    const { body, actor, serving, agentId } = wanted;
    const named = (await byName(on, wanted)) ?? (await byToken(on, wanted));
    const isSpawn = serving === undefined && (body.cause ?? (body.messageId ? "message" : "spawn")) === "spawn";
    if (named) return { run: named, isSpawn };
    const asker = serving?.delegation?.parentId?.startsWith("run_")
      ? await store.byId(on, serving.delegation.parentId)
      : undefined;
    if (asker) return { run: asker, isSpawn: false };
    if (!isSpawn || actor === "user") return undefined;
    const only = await workingFor(on, actor, wanted.caller.sessionId);
    // An agent that begins another run of its own asks nobody for it, unless it says so.
    return only && { run: only, isSpawn: body.cause === "spawn" || agentId !== actor };
  }

  /** The live run of a session of an agent. */
  async function liveIn(on: ReadTx, agentId: AgentId, sessionId: string | null | undefined) {
    const [run] = sessionId == null ? [] : await runLists.runningIn(on, sessionId, 1);
    return run?.agentId === agentId ? run : undefined;
  }

  /** The live run of the session that calls, else the only running one of the agent. */
  const workingFor = async (on: ReadTx, agentId: AgentId, sessionId: string | null | undefined) =>
    (await liveIn(on, agentId, sessionId)) ?? store.onlyRunning(on, agentId);

  /** @throws Problem 403, 409, 422 */
  async function byName(on: ReadTx, { body, caller, actor }: Wanted): Promise<RunRow | undefined> {
    const requester = body.requester && "runId" in body.requester ? body.requester.runId : undefined;
    const id = body.parentId ?? requester;
    if (id === undefined) return undefined;
    const member = body.parentId === undefined ? "requester" : "parentId";
    const run = await store.byId(on, id);
    if (!run) throw Problem.invalid(`/${member}`, `there is no run ${id}`);
    if (!(await access.runsFor(on, caller, run.agentId)) && !(await delegations.worksFor(on, actor, run)))
      throw new Problem(
        "forbidden",
        `${member}: ${run.id} is no run of ${actor}, and ${actor} works on none of its delegations.`,
      );
    if (run.status === "ended") throw new Problem("not-open", `${run.id} has ended.`);
    return run;
  }

  /** @throws Problem 403, 409 */
  async function byToken(on: ReadTx, { token, caller }: Wanted): Promise<RunRow | undefined> {
    return token === null ? undefined : runOf(on, token, (agentId) => access.runsFor(on, caller, agentId));
  }

  /** The run whose running turn a token names. @throws Problem 403 for a run of another agent, 409 claim-lost */
  async function runOf(
    on: ReadTx,
    token: string,
    isMine: (agentId: AgentId) => boolean | Promise<boolean>,
  ): Promise<RunRow> {
    const turn = await store.turn(on, turnIdOf(token) ?? "");
    const run = turn && (await store.byId(on, turn.runId));
    if (run && !(await isMine(run.agentId)))
      throw new Problem("forbidden", `Signalbox-Run: that run is of ${run.agentId}.`);
    if (!run || !isRunning(run) || run.turnId !== turn.id)
      throw new Problem("claim-lost", "Signalbox-Run: that turn has ended, or there is none.");
    return run;
  }

  /** Receiver of the result: named, else the parent of a spawn, else none. @throws Problem 403, 409, 422 */
  async function requesterOf(on: ReadTx, wanted: Wanted, parent: Parent | undefined): Promise<RunRequester | null> {
    const { body, message, serving } = wanted;
    const owesNobody = serving
      ? "its result answers the message that it works on"
      : message && ENDS.has(message.kind)
        ? `it works on a message of kind ${message.kind}`
        : undefined;
    if (body.requester == null) {
      const isSpawn = body.requester === undefined && parent?.isSpawn === true;
      return isSpawn && !owesNobody ? { runId: parent.run.id } : null;
    }
    if (owesNobody) throw Problem.invalid("/requester", `a run has none when ${owesNobody}`);
    await checkRequester(on, wanted, body.requester, parent);
    return body.requester;
  }

  async function checkRequester(on: ReadTx, wanted: Wanted, requester: RunRequester, parent: Parent | undefined) {
    const { agentId, actor, caller } = wanted;
    if ("agentId" in requester && requester.agentId === agentId)
      throw Problem.invalid("/requester", `${agentId} runs it: its own result is not sent to it`);
    if ("runId" in requester) await requireLive(on, requester.runId);
    if ("agentId" in requester) await requireThere(on, requester.agentId);
    if (caller.role === "operator" || (await mayName(on, wanted, requester, parent))) return;
    throw new Problem(
      "forbidden",
      `requester: ${actor} may name the sender of messageId, the conversation that it came from, its parent, or itself.`,
    );
  }

  async function requireThere(on: ReadTx, agentId: AgentId): Promise<void> {
    const facts = directory.facts(on, agentId);
    if (!facts || facts.deletedAt !== null)
      throw Problem.invalid("/requester/agentId", facts ? `${agentId} was deleted` : `nobody is called ${agentId}`);
  }

  async function requireLive(on: ReadTx, runId: string): Promise<void> {
    const run = await store.byId(on, runId);
    if (!run) throw Problem.invalid("/requester/runId", `there is no run ${runId}`);
    if (run.status === "ended") throw new Problem("not-open", `requester: ${runId} has ended.`);
  }

  async function mayName(
    on: ReadTx,
    { actor, message }: Wanted,
    requester: RunRequester,
    parent: Parent | undefined,
  ): Promise<boolean> {
    if ("runId" in requester) return requester.runId === parent?.run.id;
    if ("agentId" in requester)
      return [actor, message?.fromId, parent?.run.agentId].some((id) => id === requester.agentId);
    return message !== undefined && isSame(requester.conversation, await conversationOf(on, message.id));
  }

  /** The chat that a message came from. */
  async function conversationOf(on: ReadTx, messageId: number): Promise<Conversation | undefined> {
    const row = await messages.rows.byId(on, messageId);
    if (row?.kind !== "channel.event" || row.payload === null) return undefined;
    return JSON.parse(row.payload).conversation;
  }

  /** A run as a node of its tree: one that serves a delegation hangs on that. */
  function placed(run: RunRow): PlacedNode {
    const { id, rootId, depth, delegationId, parentId, messageId } = run;
    return { id, rootId, depth, parentId: delegationId ?? parentId, fromId: null, messageId };
  }

  return {
    servingOf,
    parentOf,
    requesterOf,
    node: (on: ReadTx, id: string): Promise<PlacedNode | undefined> | undefined =>
      id.startsWith("run_") ? store.byId(on, id).then((run) => run && placed(run)) : undefined,

    /** The run of an agent that its new delegation hangs on. @throws Problem 403, 409 claim-lost for a token of none */
    async runningFor(on: ReadTx, asker: Asker): Promise<PlacedNode | undefined> {
      const { agentId, token, sessionId, delegationId } = asker;
      const run =
        token === null ? await liveIn(on, agentId, sessionId) : await runOf(on, token, (of) => of === agentId);
      const serving = run || delegationId === null ? undefined : await store.serving(on, delegationId, agentId);
      const found = run ?? serving;
      return found && placed(found);
    },
    workingFor,
  };
}

const isSame = (one: Conversation, other: Conversation | undefined): boolean =>
  one.channelId === other?.channelId &&
  one.conversationId === other.conversationId &&
  (one.threadId ?? null) === (other.threadId ?? null);

/** A requester as its column has it. */
export function requesterText(requester: RunRequester | null): string | null {
  if (requester === null) return null;
  if ("agentId" in requester) return requester.agentId;
  if ("runId" in requester) return requester.runId;
  const { channelId, conversationId, threadId } = requester.conversation;
  return [channelId, conversationId, ...(threadId === undefined ? [] : [threadId])].join("/");
}
