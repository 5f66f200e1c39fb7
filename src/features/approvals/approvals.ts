import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Approval } from "../../protocol/approvals.ts";
import type { Fact } from "../../protocol/explain.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Runs } from "../runs/runs.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { createApprovalLifecycle } from "./lifecycle.ts";
import { createOwnApprovals } from "./own.ts";
import { createApprovalRules } from "./rules.ts";
import { createApprovalService } from "./service.ts";
import { createApprovalStore } from "./store.ts";

export type Approvals = ReturnType<typeof createApprovals>;

/** Approvals that the story of a message tells. */
const MAX_FACTS = 50;

/** Questions to people that block agents, and rules that answer them. */
export function createApprovals(areas: Areas & { runs: Runs; sessions: Sessions }) {
  const { watch } = areas.core.inbox;
  const store = createApprovalStore();
  const lifecycle = createApprovalLifecycle(areas, store);
  const service = createApprovalService(areas, { store, lifecycle });
  const own = createOwnApprovals(areas.kernel, { store, lifecycle });
  const rules = createApprovalRules(areas, { store, lifecycle });

  /** Approvals in the story of the message that their run works on. */
  async function facts(on: ReadTx, { id }: MessageRow): Promise<Fact[]> {
    const runIds = await areas.runs.idsOfMessage(on, id);
    const rows = await store.ofRuns(on, runIds, MAX_FACTS);
    return rows.flatMap(({ id: approvalId, agentId, title, kind, state, option, person, createdAt, endedAt }) => {
      const fact = { step: "approval" as const, approvalId, agentId, kind };
      const asked = { at: toTime(createdAt), ...fact, state: "asked", title };
      return endedAt === null ? [asked] : [asked, { at: toTime(endedAt), ...fact, state, option, person }];
    });
  }

  const ended: Sweep = {
    name: "approvals",
    limit: 200,
    sweep: (tx, { before, limit }) => store.forget(tx, before, limit),
  };

  return {
    own,
    changed: lifecycle.changed,
    find: store.byId,
    noteAsked: store.noteAsked,
    press: service.press,
    answer: service.answer,
    answerAsOne: service.answerAsOne,
    walk: store.walk,
    head: store.head,
    /** Newest approvals that a run waited for. */
    ofRun: (on: ReadTx, run: string, limit: number) => store.page(on, { run }, undefined, limit),
    raise: own.raise,
    applied: own.applied,
    /** Pending ones, the first to expire first. */
    waiting: store.allPending,
    /** Agents that wait for it. */
    askersOf: async (on: ReadTx, id: string) => (await store.askersOf(on, id)).map(({ agentId }) => agentId),
    waitingOf: own.waitingOf,
    waitingFor: own.waitingFor,
    followRun: lifecycle.followRun,
    dropAgent: lifecycle.dropAgent,
    giveGrace: lifecycle.giveGrace,
    facts,
    showWatchers: (approval: Approval): void => watch.toAll("approval", () => JSON.stringify(approval)),
    sources: lifecycle.sources,
    dueHandlers: lifecycle.dueHandlers,
    sweeps: [ended],
    routes: lateRoutes(["/v1/approvals", "/v1/approval-rules"], async () =>
      (await import("./routes.ts")).approvalRoutes(areas.kernel.db, service, rules),
    ),
  };
}
