import type { Areas } from "../../core/core.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { Conflicts } from "../../features/conflicts/conflicts.ts";
import type { Loops } from "../../features/loops/loops.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { Sessions } from "../../features/sessions/sessions.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Attention, AttentionKind } from "../../protocol/attention.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Announcements } from "../announcements/announcements.ts";
import type { Webhooks } from "../webhooks/webhooks.ts";

/** Most of one kind that are read: the list is for people. */
const MAX_OF_KIND = 200;

type Subject = Attention["subject"];
export type Need = Omit<Attention, "takenBy" | "takenAt" | "handedTo" | "snoozedUntil">;
interface Draft extends Pick<Need, "kind" | "reason" | "actions"> {
  /** The rest of its id, beside the kind. */
  of: string | number;
  /** Milliseconds. */
  since: number;
  subject: Partial<Subject> & { title: string };
  count?: number;
  holdsUp?: readonly (string | null)[];
}

export interface Sources {
  approvals: Approvals;
  announcements: Announcements;
  conflicts: Conflicts;
  loops: Loops;
  runs: Runs;
  sessions: Sessions;
  webhooks: Webhooks;
}

const NOTHING: Omit<Subject, "title"> = {
  ...{ agentId: null, project: null, approvalId: null, announcementId: null, messageId: null },
  ...{ runId: null, sessionId: null, orchestratorId: null, webhookId: null },
};

/** Short name of one cause of dead letters. */
const causeOf = (target: string, error: string | null): string =>
  Bun.SHA256.hash(JSON.stringify([target, error]), "base64url").slice(0, 16);

const need = ({ kind, of, since, subject, reason, actions, count = 1, holdsUp = [] }: Draft): Need => ({
  ...{ id: `${kind}:${of}`, kind, since: toTime(since), count, reason, actions },
  holdsUp: [...new Set(holdsUp.filter((name) => name !== null))],
  subject: { ...NOTHING, ...subject },
});

/** Questions of the areas for what waits for a person. Each reads by an index. */
export function createNeeds({ core, identity, ...sources }: Areas & Sources) {
  const { approvals, announcements, conflicts, loops, runs, sessions, webhooks } = sources;

  /** Project of a run, and agents that wait for it. */
  async function behind(on: ReadTx, runId: string | null) {
    const run = runId === null ? undefined : await runs.book.byId(on, runId);
    const parent = run?.parentId == null ? undefined : await runs.book.byId(on, run.parentId);
    return { project: run?.project ?? null, waits: [parent?.agentId ?? null, run?.person ?? null] };
  }

  const all: Record<AttentionKind, (on: ReadTx) => Promise<Need[]>> = {
    async approval(on) {
      const rows = await approvals.waiting(on, MAX_OF_KIND);
      return Promise.all(
        rows.map(async ({ row, askers }) => {
          const { project, waits } = await behind(on, row.runId);
          const { id, agentId, sessionId, runId, orchestratorId, title, expiresAt, createdAt } = row;
          return need({
            ...{
              kind: "approval",
              of: id,
              since: createdAt,
              count: row.count,
              holdsUp: [...askers, ...waits],
            },
            subject: { agentId, title, project, approvalId: id, runId, sessionId, orchestratorId },
            ...{ reason: `Waits for an answer until ${toTime(expiresAt)}.`, actions: ["answer"] },
          });
        }),
      );
    },

    async blocked(on) {
      const rows = await announcements.stuck(on, MAX_OF_KIND);
      return rows.map(({ id, agentId, runId, messageId, requester, reason, createdAt }) =>
        need({
          ...{ kind: "blocked", of: id, since: createdAt, holdsUp: [requester] },
          subject: { agentId, title: `Result of ${runId}`, announcementId: id, runId, messageId },
          ...{ reason: `The result could not be delivered: ${reason ?? "unknown"}.`, actions: ["retry", "dismiss"] },
        }),
      );
    },

    async dead(on) {
      const causes = await core.work.rows.deadCauses(on, MAX_OF_KIND);
      return causes.map(({ messageId, count, error, since, fromId, target, subject, attempts }) =>
        need({
          ...{ kind: "dead", of: causeOf(target, error), since, count, holdsUp: [fromId] },
          subject: { title: subject ?? `Work for ${target}`, messageId },
          reason: `Given up after ${attempts} attempts: ${error ?? "no lease was kept"}.`,
          actions: ["requeue", "cancel"],
        }),
      );
    },

    async stuck(on) {
      const rows = await sessions.stuck(on, MAX_OF_KIND);
      return Promise.all(
        rows.map(async (row) => {
          const { waits } = await behind(on, row.runId);
          const { id, agentId, runId, project, orchestratorId, name } = row;
          return need({
            ...{ kind: "stuck", of: id, since: row.lastEventAt ?? row.startedAt, holdsUp: waits },
            subject: { agentId, title: name ?? id, project, runId, sessionId: id, orchestratorId },
            ...{ reason: row.reason ?? "Nothing happens.", actions: ["peek", "interrupt", "kill", "tell"] },
          });
        }),
      );
    },

    async away(on) {
      const rows = await sessions.awayBy(on, identity.orchestrators.away());
      return rows.map(({ orchestratorId, live, since }) =>
        need({
          ...{ kind: "away", of: orchestratorId, since, count: live },
          subject: { orchestratorId, title: orchestratorId },
          reason: `The machine has not been heard of; ${live === 1 ? "a session was" : `${live} sessions were`} live there.`,
          actions: [],
        }),
      );
    },

    async loop(on) {
      const rows = await loops.paused(on, MAX_OF_KIND);
      return rows.map(({ rootId, fromId, target, streak, messageId, pausedAt }) =>
        need({
          ...{ kind: "loop", of: rootId, since: pausedAt, holdsUp: [fromId, target] },
          subject: { agentId: fromId, title: `Thread ${rootId}`, messageId },
          ...{ reason: `Paused after ${streak} turns by agents in a row.`, actions: ["resume"] },
        }),
      );
    },

    async conflict(on) {
      const rows = await conflicts.open(on, MAX_OF_KIND);
      return rows.map(({ first, second, repository, place, at }) =>
        need({
          ...{ kind: "conflict", of: `${first.id}:${second.id}`, since: at },
          subject: { agentId: second.agentId, title: place, project: repository, sessionId: second.id },
          reason: `${first.agentId} and ${second.agentId} work in the same place: ${place} in ${repository}.`,
          actions: ["tell", "interrupt"],
        }),
      );
    },

    async webhook(on) {
      const rows = await webhooks.failing(on, MAX_OF_KIND);
      return rows.map(({ id, agentId, name, reason, failures, pending, failingSince, createdAt }) =>
        need({
          ...{ kind: "webhook", of: id, since: failingSince ?? createdAt, count: Math.max(1, pending) },
          subject: { agentId, title: name ?? id, webhookId: id },
          ...{ reason: reason ?? `Its address failed ${failures} times in a row.`, actions: ["resume"] },
        }),
      );
    },
  };

  return {
    /** Things of one kind, or of all. */
    async of(on: ReadTx, kind: AttentionKind | undefined): Promise<Need[]> {
      const asked = kind === undefined ? Object.values(all) : [all[kind]];
      return (await Promise.all(asked.map((ask) => ask(on)))).flat();
    },
  };
}
