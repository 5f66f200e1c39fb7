import type { Areas } from "../../core/core.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import type { Lineage } from "../../core/messages/row.ts";
import type { TreeNode } from "../../core/trees/trees.ts";
import { actingAs, type Caller, hasEnrolled, isAgent, isPerson, signedBy } from "../../identity/auth/caller.ts";
import { orchestratorIdOf } from "../../identity/orchestrators/ids.ts";
import { DAY_MS } from "../../kernel/clock.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { AgentId } from "../../protocol/ids.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ParsedRun, RunCause } from "../../protocol/runs.ts";
import type { Files } from "../files/files.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { RunAccess } from "./access.ts";
import { type Family, type Parent, requesterText, type Wanted } from "./family.ts";
import type { Life } from "./life.ts";
import type { RunRow, TurnRow } from "./row.ts";
import type { RunSettle } from "./settle.ts";
import type { RunStore } from "./store.ts";

export interface RunLimits {
  /** Deepest run that may be spawned. */
  spawnDepth: number;
  /** Live runs that one run may have spawned. */
  perParent: number;
  /** Hours after its end for which every event of a run is kept. */
  eventHours: number;
  /** Days for which files are kept that a run without a message shows. */
  retentionDays: number;
}

/** Queued runs of an agent among which one that begins to work looks for its own. */
const MAX_QUEUED = 200;

interface Parts {
  store: RunStore;
  access: RunAccess;
  family: Family;
  settle: RunSettle;
  life: Life;
}

/** Way in which the relay asks for a run itself. */
export interface Asked {
  /** Message that the task continues: the run's message replies to it. */
  replyTo?: number | undefined;
}

/** Makes runs: `running` for the agent itself, `queued` for anybody else. */
export function createBegin(
  { kernel, identity, core, files, sessions }: Areas & { files: Files; sessions: Sessions },
  { store, access, family, settle, life }: Parts,
  limits: RunLimits,
) {
  const { clock, disk } = kernel;
  const { agents, directory } = identity;
  const { messages, trees } = core;

  /** `POST /v1/runs`. `token`: the header Signalbox-Run. @throws Problem 403, 409, 422, 429 */
  async function begin(
    tx: Tx,
    caller: Caller,
    body: ParsedRun,
    token: string | null,
    asked: Asked = {},
  ): Promise<RunRow> {
    const agentId = await runnerOf(tx, caller, body);
    const actor = await actorOf(tx, caller, body, agentId);
    const facts = await agents.requireActor(tx, caller, actor);
    await checkSession(tx, caller, agentId, body.sessionId);
    disk.checkRoom(body.task.length, "runs");
    await checkFiles(tx, caller, actor, body);
    const message = await messageOf(tx, actor, agentId, body);
    const isOwn = await isRunner(tx, caller, body, agentId);
    const waiting = isOwn && message ? await waitingWith(tx, agentId, message.id, body) : undefined;
    if (waiting) return life.run(tx, waiting.run, waiting.turn, body.leaseSeconds);
    const serving = await family.servingOf(tx, agentId, message);
    const wanted: Wanted = { caller, actor, agentId, body, token, message, serving };
    const parent = await family.parentOf(tx, wanted);
    const requester = await family.requesterOf(tx, wanted, parent);
    await checkLimits(tx, wanted, parent);
    if (!isOwn && message) {
      const author = { id: actor, kind: facts.kind, ...signedBy(caller, actor) };
      await messages.requireStart(tx, author, agentId, message.id);
      messages.quotas.take(tx, facts, "messages");
    }
    const person = caller.personId ?? (message && messages.rows.personOf(tx, message.id)) ?? parent?.run.person ?? null;
    const draft = { ...rowOf(wanted, parent, requester, clock.now()), person };
    const sent = isOwn || message ? undefined : await sendTask(tx, wanted, { ...asked, runId: draft.id, parent });
    const row = await store.add(tx, { ...draft, ...sent });
    const turn = await settle.addTurn(tx, row, { cause: "begin", files: body.files });
    if (row.approvalId !== null) return settle.wait(tx, row, turn);
    if (!isOwn) return settle.queue(tx, row, turn);
    return life.run(tx, row, turn, body.leaseSeconds);
  }

  /** Files of a command came to the orchestrator, which begins a run of its agent with them. @throws Problem 422 */
  async function checkFiles(on: ReadTx, caller: Caller, actor: AgentId, body: ParsedRun): Promise<void> {
    for (const [index, id] of (body.files ?? []).entries()) {
      const isTheirs = actor === actingAs(caller) || (await files.service.isUsable(on, actor, id));
      const user = isTheirs || isPerson(caller) ? actor : actingAs(caller);
      await files.service.requireUsable(on, user, id, `/files/${index}`);
    }
  }

  /** Agent that asks for it: an operator may begin a run in the name of its agent. @throws Problem 403 */
  async function actorOf(on: ReadTx, caller: Caller, { from }: ParsedRun, agentId: AgentId): Promise<AgentId> {
    if (caller.role === "operator") return actingAs(caller, from);
    // An orchestrator begins what its agents run in their names.
    if (hasEnrolled(caller, agentId)) return actingAs(caller, from ?? agentId);
    return actingAs(caller, from === agentId && (await access.runsFor(on, caller, agentId)) ? undefined : from);
  }

  /** Whether the caller is its runner: the agent, or its orchestrator. */
  const isRunner = async (on: ReadTx, caller: Caller, { from }: ParsedRun, agentId: AgentId): Promise<boolean> =>
    caller.role === "operator" ? from === agentId : access.runsFor(on, caller, agentId);

  /** The run that waits for its agent with this message: an agent that begins to work on the message takes that one. */
  async function waitingWith(
    on: ReadTx,
    agentId: AgentId,
    messageId: number,
    { requester, parentId, cause }: ParsedRun,
  ): Promise<{ run: RunRow; turn: TurnRow } | undefined> {
    if (requester !== undefined || parentId !== undefined || cause === "spawn") return undefined;
    const queued = await store.queuedOf(on, agentId, MAX_QUEUED);
    const run = queued.find((one) => one.messageId === messageId);
    const turn = run && (await store.turn(on, run.turnId));
    return turn && { run, turn };
  }

  /** The message that the run above works on, for an agent that asks out of its own run. */
  async function above(on: ReadTx, actor: AgentId, parent: Parent | undefined): Promise<number | undefined> {
    if (parent?.run.agentId !== actor || parent.run.messageId === null) return undefined;
    return (await messages.rows.lineage(on, parent.run.messageId))?.id;
  }

  /** Sends the task to the agent, or lets it wait for a person, so that one that knows nothing of runs hears of it, and ends it by a reply. */
  async function sendTask(
    tx: Tx,
    { caller, actor, agentId, body }: Wanted,
    { runId, replyTo, parent }: Asked & { runId: string; parent: Parent | undefined },
  ): Promise<Partial<Pick<RunRow, "messageId" | "threadId" | "sessionKey" | "approvalId" | "deadlineAt">>> {
    const causedBy =
      body.causedBy === undefined && replyTo === undefined ? await above(tx, actor, parent) : body.causedBy;
    const draft: ParsedDraft = {
      ...{ claimable: false, urgent: false, maxAttempts: 5 },
      ...{ from: actor, to: agentId, subject: body.label, body: body.task, encoding: body.encoding, replyTo },
      causedBy,
      payload: {
        run: { id: runId },
        ...(body.files?.length ? { files: body.files.map((fileId) => ({ fileId })) } : {}),
      },
    };
    const sent = await messages.send(tx, caller, draft, { isVerb: true, owner: runId });
    if (sent.kind !== "sent") return { approvalId: sent.approvalId ?? null, deadlineAt: sent.deliverAt };
    return placeOf(sent.entry, body.sessionKey);
  }

  /** Agent that runs it. @throws Problem 422 */
  async function runnerOf(on: ReadTx, caller: Caller, body: ParsedRun): Promise<AgentId> {
    const id = body.agentId ?? (isAgent(caller) ? caller.agentId : undefined);
    if (id === undefined) throw Problem.invalid("/agentId", "is needed: an operator runs nothing itself");
    const facts = directory.facts(on, id);
    if (!facts || facts.deletedAt !== null)
      throw new Problem("unknown-target", facts ? `${id} was deleted.` : `Nobody is called ${id}.`, {
        errors: [{ pointer: "/agentId", message: "is not a registered agent" }],
        suggestions: agents.suggest(id),
      });
    if (facts.kind !== "provider" && facts.kind !== "orchestrator")
      throw Problem.invalid("/agentId", `${id} is of kind ${facts.kind}, which runs nothing`);
    return id;
  }

  /** An orchestrator names sessions that it has reported. @throws Problem 422 */
  async function checkSession(on: ReadTx, caller: Caller, agentId: AgentId, id: string | undefined): Promise<void> {
    if (caller.role !== "orchestrator" || id === undefined || (await sessions.isOf(on, id, agentId))) return;
    throw Problem.invalid("/sessionId", `${agentId} has no session ${id}: report it first, by PUT /v1/sessions/${id}`);
  }

  /** The message that it works on, which both of them may read. @throws Problem 403, 422 */
  async function messageOf(
    on: ReadTx,
    actor: AgentId,
    agentId: AgentId,
    body: ParsedRun,
  ): Promise<Lineage | undefined> {
    if (body.messageId === undefined) return undefined;
    const message = await messages.access.requireReference(on, actor, body.messageId, "/messageId");
    if (agentId !== actor && !(await messages.access.mayRead(on, agentId, message)))
      throw Problem.invalid("/messageId", `message ${message.id} is not for ${agentId}`);
    return message;
  }

  /** @throws Problem 409 budget-exceeded, 422 too-deep */
  async function checkLimits(
    on: ReadTx,
    { actor, serving, agentId }: Wanted,
    parent: Parent | undefined,
  ): Promise<void> {
    if (serving) return;
    if (parent?.isSpawn) {
      const { run } = parent;
      if (run.depth >= limits.spawnDepth)
        throw new Problem(
          "too-deep",
          `${run.id} is at depth ${run.depth}: runs may be spawned down to ${limits.spawnDepth}.`,
        );
      trees.checkDepth(run);
      if (store.countChildren(on, run.id, limits.perParent) >= limits.perParent)
        throw new Problem(
          "budget-exceeded",
          `${run.id} has ${limits.perParent} live runs below it, the most it may have.`,
        );
    }
    if (parent?.isSpawn || agentId !== actor) await trees.checkBudgets(on, actor, parent?.run);
  }

  return {
    begin,
    /** Scope of an idempotency key. */
    sender: (caller: Caller): string => actingAs(caller),
  };
}

function rowOf(
  { caller, actor, agentId, body, message, serving }: Wanted,
  parent: Parent | undefined,
  requester: RunRequesterOrNull,
  now: number,
): Omit<RunRow, "number"> {
  const id = newId("run", now);
  const node: TreeNode | undefined = serving?.delegation ?? parent?.run;
  const above = serving?.delegation?.depth ?? (parent?.run.depth ?? 0) + (parent?.isSpawn ? 1 : 0);
  const ofMessage: RunCause = message?.source === "schedule" ? "schedule" : message ? "message" : "chat";
  const cause = body.cause ?? (parent?.isSpawn ? "spawn" : ofMessage);
  const isAsked = parent?.isSpawn === true || actor !== agentId;
  const timeoutSeconds = body.timeoutSeconds ?? null;
  return {
    ...{
      id,
      agentId,
      sessionKey: body.sessionKey ?? (message ? `msg:${message.id}` : id),
      sessionId: body.sessionId ?? null,
    },
    orchestratorId:
      body.orchestratorId ?? (caller.role === "orchestrator" ? orchestratorIdOf(caller.agentId ?? "") : null),
    ...{ label: body.label ?? null, cause, messageId: (message?.id ?? null) as RunRow["messageId"] },
    threadId: (message ? (message.threadId ?? message.id) : null) as RunRow["threadId"],
    delegationId: serving?.delegation?.id ?? null,
    ...{ parentId: parent?.run.id ?? null, rootRunId: parent?.run.rootRunId ?? id, rootId: node?.rootId ?? id },
    depth: above,
    ...{ requester: requesterText(requester), requesterJson: requester && JSON.stringify(requester) },
    askedBy: serving?.delegation?.fromId ?? (isAsked ? actor : null),
    ...{ person: null, origin: json(body.origin), deliverTo: json(body.deliverTo) },
    project: body.project ?? parent?.run.project ?? null,
    ...{ tags: JSON.stringify([...new Set(body.tags ?? [])]), links: "[]" },
    ...{
      status: "queued",
      outcome: null,
      errorCode: null,
      error: null,
      confirmed: null,
      late: false,
      turnId: "",
      turns: 1,
    },
    ...{ model: body.model ?? null, cwd: body.cwd ?? null, expectsResult: body.expectsResult },
    ...{ wakeOnSettle: body.wakeOnSettle, keepSession: body.keepSession, opaque: body.encoding === "opaque" },
    ...{ inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd: 0, byModel: null },
    ...{ timeoutSeconds, leaseSeconds: body.leaseSeconds },
    ...{ deadlineAt: now + (timeoutSeconds === null ? DAY_MS : timeoutSeconds * 1000), dueAt: null, closing: null },
    ...{
      approvalId: null,
      abortedBy: null,
      wokenAt: null,
      createdAt: now,
      endedAt: null,
      compact: false,
      resultFileId: null,
      resultCut: false,
    },
    ...{ resultFiles: null, missingFiles: null, silent: false, task: body.task, result: null },
  };
}

/** Place of a run whose message was sent. */
export const placeOf = ({ id, threadId }: LogEntry, sessionKey: string | undefined) => ({
  ...{ messageId: id as RunRow["messageId"], threadId: (threadId ?? id) as RunRow["threadId"] },
  sessionKey: sessionKey ?? `msg:${id}`,
});

type RunRequesterOrNull = Awaited<ReturnType<Family["requesterOf"]>>;

const json = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));

export type Begin = ReturnType<typeof createBegin>;
