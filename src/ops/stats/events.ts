import type { Core } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { WorkRow } from "../../core/work/row.ts";
import type { ApprovalRow } from "../../features/approvals/row.ts";
import type { DelegationStep } from "../../features/delegations/outcomes.ts";
import type { RunRow } from "../../features/runs/row.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Approval } from "../../protocol/approvals.ts";
import type { DelegationChange } from "../../protocol/delegations.ts";
import type { RunChange } from "../../protocol/runs.ts";
import type { Counting, Group } from "./counting.ts";
import type { StatsStore } from "./store.ts";
import type { Talk } from "./talk.ts";

/** Messages counted at once at a start. */
const PAGE = 5000;
/** Waiting work that is counted on the main thread at a start. */
const MAX_COUNTED = 20_000;

const isWaiting = ({ state }: Pick<WorkRow, "state">): number => (state === "open" || state === "delayed" ? 1 : 0);
const byAgent = (agentId: string | null): Group[] => (agentId === null ? [] : [["agent", agentId]]);

interface Parts {
  db: Db;
  clock: Clock;
  core: Core;
  store: StatsStore;
  counting: Counting;
  talk: Talk;
}

/** Turns events of other areas into numbers. */
export function createStatsEvents({ db, clock, core, store, counting, talk }: Parts) {
  /** Work that is open or delayed: counted at the start, then kept. */
  let waiting = 0;

  function move(by: number): void {
    if (by === 0) return;
    waiting += by;
    counting.level("workWaiting", waiting);
  }

  /** Counts the messages that the last run of the program left above the mark. */
  async function recount(): Promise<void> {
    const { log, rows } = core.messages;
    const marks = await db.read(async (on) => marksOf(on));
    if (!marks) return begin();
    let after = Math.min(marks.messages, marks.flow);
    let isPart = marks.flowTo > marks.flow;
    const resume = () => {
      isPart = false;
      talk.resume(marks.flowDone);
    };
    for (let isMore = after < log.head(); isMore; ) {
      const page = await db.read(async (on) => rows.countedAfter(on, after, PAGE));
      for (const message of page) {
        if (message.id > marks.messages) counting.message(message);
        if (isPart && message.id > marks.flowTo) resume();
        if (message.id > marks.flow) isPart ? talk.gather(message) : talk.message(message);
      }
      after = page.at(-1)?.id ?? after;
      isMore = page.length === PAGE;
    }
    if (isPart) resume();
    await Promise.all([counting.save(), talk.save()]);
  }

  function marksOf(on: ReadTx) {
    const messages = store.mark(on, "messages");
    if (messages === undefined) return undefined;
    const [flowTo, flowDone] = [store.mark(on, "flowTo") ?? 0, store.mark(on, "flowDone") ?? 0];
    return { messages, flow: store.mark(on, "flow") ?? messages, flowTo, flowDone };
  }

  /** Counting begins with the first start: older messages are left out. */
  async function begin(): Promise<void> {
    await db.write(async (tx) => {
      for (const name of ["messages", "flow"] as const) store.setMark(tx, name, core.messages.log.head());
      store.setMark(tx, "since", clock.now());
    });
  }

  return {
    async load(): Promise<void> {
      await recount();
      waiting = await db.read(async (on) => core.work.rows.countWaiting(on, MAX_COUNTED));
      if (waiting < MAX_COUNTED) return;
      const { work } = await db.offThread.run("counts", {});
      waiting = (work.open ?? 0) + (work.delayed ?? 0);
    },

    messageSent(row: MessageRow, work: WorkRow | undefined): void {
      counting.message(row);
      talk.message(row);
      if (work) move(isWaiting(work));
    },

    delivered(transport: string, entries: number, oldestAgeMs: number | undefined): void {
      if (entries > 0) counting.add("offered", entries, "transport", transport);
      if (oldestAgeMs !== undefined) counting.time("offerSeconds", oldestAgeMs);
    },

    workMoved(work: WorkRow, before: WorkRow): void {
      move(isWaiting(work) - isWaiting(before));
      const { state } = work;
      if (state === "claimed" && work.fence !== before.fence) counting.count("claims", ...byAgent(work.holder));
      if (before.state === "claimed" && state !== "done" && work.attempts > before.attempts)
        counting.count("failures", ...byAgent(before.holder));
      if (state === before.state) return;
      if (state === "done") counting.count("completions", ...byAgent(before.holder));
      if (state === "dead") counting.count("deadLetters", ...byAgent(before.holder));
    },

    delegationChanged({ from }: DelegationChange, { isNew, ended, tookMs }: DelegationStep): void {
      if (isNew) counting.count("delegations", ["agent", from]);
      if (ended !== undefined) counting.count("delegationsEnded", ["outcome", ended]);
      if (ended !== undefined && tookMs !== undefined) counting.time("answerSeconds", tookMs);
    },

    async runChanged(tx: Tx, _: RunChange, run: RunRow, before: RunRow | undefined): Promise<void> {
      const { agentId, status, turns, outcome, createdAt, endedAt } = run;
      if (status === before?.status) return;
      if (status === "running" && turns === 1) counting.countIn(tx, "runsStarted", byAgent(agentId));
      if (status !== "ended" || endedAt === null) return;
      const groups: Group[] = [
        ["agent", agentId],
        ["outcome", outcome ?? "error"],
      ];
      counting.countIn(tx, "runsEnded", groups, { series: "runSeconds", ms: endedAt - createdAt });
    },

    async approvalChanged(
      tx: Tx,
      { answer }: Approval,
      row: ApprovalRow,
      before: ApprovalRow | undefined,
    ): Promise<void> {
      const { agentId, kind, state, createdAt, answeredAt } = row;
      if (before === undefined)
        counting.countIn(tx, "approvals", [
          ["agent", agentId],
          ["kind", kind],
        ]);
      if (state === "pending" || state === before?.state) return;
      // A rule answers at once: nobody waited for a person.
      const isByPerson = answer !== null && answer.via !== "rule";
      const took = isByPerson
        ? { series: "approvalSeconds" as const, ms: (answeredAt ?? createdAt) - createdAt }
        : undefined;
      counting.countIn(tx, "approvalsEnded", [["outcome", answer?.decision ?? state]], took);
    },

    /** Observer of HTTP requests. */
    requestAnswered(status: number): void {
      if (status >= 400) counting.count(status >= 500 ? "errors" : "refused", ["status", String(status)]);
    },
  };
}
