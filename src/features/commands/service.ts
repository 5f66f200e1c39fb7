import type { Areas } from "../../core/core.ts";
import type { PlacedNode } from "../../core/trees/trees.ts";
import type { AgentFacts } from "../../identity/agents/row.ts";
import { actingAs, type Caller } from "../../identity/auth/caller.ts";
import { agentIdOf } from "../../identity/orchestrators/ids.ts";
import { modeOf } from "../../identity/orchestrators/modes.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Command, ParsedCommand } from "../../protocol/commands.ts";
import type { Delegation } from "../../protocol/delegations.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Approvals } from "../approvals/approvals.ts";
import type { Asked } from "../delegations/ask.ts";
import type { Delegations } from "../delegations/delegations.ts";
import type { DelegationRow } from "../delegations/row.ts";
import type { RunRow } from "../runs/row.ts";
import type { Runs } from "../runs/runs.ts";
import type { Checks } from "./checks.ts";
import { APPROVAL_SECONDS, type Letters, SPAWN_OPTIONS } from "./letters.ts";
import { type Box, requireMay } from "./may.ts";
import { requestOf } from "./order.ts";
import { commandStore as store } from "./store.ts";
import { sentenceOf } from "./wording.ts";

type Spawn = Extract<Command, { do: "spawn" }>;
type Ground = Areas & { delegations: Delegations; runs: Runs; approvals: Approvals; letters(): Promise<Letters> };

export type CommandService = ReturnType<typeof createCommandService>;

/** A command that is about to be given. */
interface Wanted {
  caller: Caller;
  asker: AgentFacts;
  box: Box;
  command: Command;
  timeoutSeconds: number;
  /** Place in the tree of what it asks for. */
  node: PlacedNode | undefined;
  run: RunRow | undefined;
}

/** Giving commands to orchestrators: delegations to their agents, with a payload that this verb alone writes. */
export function createCommandService(ground: Ground, checks: Checks) {
  const { kernel, identity, core, delegations, runs, approvals, letters } = ground;
  const { clock, idempotency } = kernel;
  const { activity, agents, auth, orchestrators } = identity;
  const { orders } = delegations;

  /** Run or delegation that the asker's request hangs on. @throws Problem 403, 409 */
  async function nodeOf(on: ReadTx, asker: AgentFacts, body: Asked) {
    const node = await orders.nodeOf(on, asker, body);
    if (node || asker.kind === "user") return node;
    const only = await runs.book.workingFor(on, asker.id, body.sessionId);
    return only && core.trees.node.first(on, only.id);
  }

  /** @throws Problem 409 budget-exceeded, 422 too-deep */
  async function checkSpawn(on: ReadTx, { box, node, run }: Wanted): Promise<void> {
    if (modeOf(box) === "closed")
      throw new Problem(
        "forbidden",
        `${box.id} is closed: nothing is spawned there. Its daemon's configuration or an operator opens it.`,
      );
    const deepest = Math.min(runs.limits.spawnDepth, box.caps?.depth ?? Number.POSITIVE_INFINITY);
    if (node && node.depth >= deepest)
      throw new Problem("too-deep", `${node.id} is at depth ${node.depth}: agents may be spawned down to ${deepest}.`);
    if (!run) return;
    const { perParent } = runs.limits;
    if (runs.liveChildren(on, run.id, perParent) + (await store.openSpawnsOf(on, run.id)) >= perParent)
      throw new Problem("budget-exceeded", `${run.id} has ${perParent} live runs and spawns, the most it may have.`);
  }

  async function give(tx: Tx, wanted: Wanted): Promise<DelegationRow> {
    const { caller, asker, box, command, run } = wanted;
    await requireMay(tx, caller, asker, box, command);
    await checks.check(tx, asker.id, box, command);
    if (command.do === "spawn") await checkSpawn(tx, wanted);
    const isAsked = command.do === "spawn" && modeOf(box) === "ask" && asker.kind !== "user";
    const row = isAsked ? await askFirst(tx, wanted, command) : await orders.ask(tx, caller, requestOf(wanted));
    await store.add(tx, {
      ...{ delegationId: row.id, orchestratorId: box.id, do: command.do, agentId: asker.id, runId: run?.id ?? null },
      ...{ person: caller.personId, approvalId: row.approvalId, createdAt: clock.now(), endedAt: null },
      sessionId: "sessionId" in command ? command.sessionId : null,
    });
    if (asker.kind === "user")
      await activity.record(tx, caller, `command.${command.do}`, box.id, { delegationId: row.id });
    return row;
  }

  /** A person allows the spawn before the daemon hears of it. */
  async function askFirst(tx: Tx, wanted: Wanted, { do: _, ...spawn }: Spawn): Promise<DelegationRow> {
    const { asker, box, command, caller, run } = wanted;
    const request = requestOf(wanted);
    core.messages.quotas.take(tx, asker, "messages");
    await core.messages.planned.raise(tx, request.relayed ?? {}, clock.now() + APPROVAL_SECONDS * 1000);
    await (await letters()).checkWaiting(tx, asker.id);
    const approval = await approvals.own.raise(tx, {
      ...{ kind: "spawn", agentId: asker.id, run, orchestratorId: box.id, expiresInSeconds: APPROVAL_SECONDS },
      ...{ options: SPAWN_OPTIONS, default: "deny", oneTap: true },
      subject: { type: "spawn", orchestratorId: box.id, ...spawn },
      title: `Spawn ${spawn.agentId ?? spawn.provider} on ${box.id}`,
    });
    const held = { approvalId: approval.id, expiresAt: approval.expiresAt };
    return orders.hold(tx, caller, { ...request, text: sentenceOf(command, box.id) }, held);
  }

  async function make(
    tx: Tx,
    caller: Caller,
    id: string,
    { command, timeoutSeconds }: ParsedCommand,
    token: string | null,
  ) {
    const asker = await agents.requireActor(tx, caller, actingAs(caller));
    await auth.requireLive(tx, caller);
    const box = (await orchestrators.find(tx, id)) ?? Problem.missing("orchestrator", id);
    const { sessionId } = caller;
    const body: Asked = { to: agentIdOf(id), text: "", encoding: "plain", timeoutSeconds, token, sessionId };
    const node = await nodeOf(tx, asker, body);
    const run = node?.id.startsWith("run_") ? await runs.book.byId(tx, node.id) : undefined;
    return give(tx, { caller, asker, box, command, timeoutSeconds, node, run });
  }

  return {
    /** `POST /v1/orchestrators/{id}/commands`. `token`: the header Signalbox-Run. @throws Problem 403, 404, 409, 422 */
    async post(
      tx: Tx,
      caller: Caller,
      id: string,
      body: ParsedCommand,
      { key, token }: { key: string | undefined; token: string | null },
    ) {
      return idempotency.once<Delegation>(tx, {
        ...{ sender: actingAs(caller), key, operation: `command ${id}`, asked: body },
        async make() {
          const row = await make(tx, caller, id, body, token);
          return { subject: row.id, made: await delegations.show(tx, row) };
        },
        async again(subject) {
          const row = await delegations.store.byId(tx, subject);
          return row && delegations.show(tx, row);
        },
      });
    },
  };
}
