import type { Areas, Core } from "../../core/core.ts";
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

/** Most of one kind that are listed: the list is for people. */
const MAX_OF_KIND = 200;
/** Newest dead letters whose causes are counted by project. */
const MAX_DEAD = 1000;
/** Most causes and machines among which one is looked up. */
const MAX_VISITED = 20_000;

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

/** One kind of things that wait. */
interface Kind<Row> {
  /** Needs that wait, at most `limit`. Kinds that can tell answer those of a project that is named, others all. */
  rows(on: ReadTx, limit: number, project?: string): Promise<Row[]>;
  /** One that waits, by the rest of its id, however long the list is. */
  one(on: ReadTx, of: string): Promise<Row | undefined>;
  draft(on: ReadTx, row: Row, project?: string): Draft | Promise<Draft>;
}

type RowOf<Query extends (...args: never[]) => Promise<unknown[]>> = Awaited<ReturnType<Query>>[number];

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

  /** Project of a message's thread. */
  async function projectOf(on: ReadTx, messageId: number): Promise<string | null> {
    const threadId = (await core.messages.rows.lineage(on, messageId))?.threadId ?? messageId;
    return (await core.facets.ofThreads(on, [threadId])).get(threadId)?.project ?? null;
  }

  const approval: Kind<RowOf<Approvals["waiting"]>> = {
    rows: approvals.waiting,
    async one(on, of) {
      const row = await approvals.find(on, of);
      return row?.state === "pending" ? row : undefined;
    },
    async draft(on, { id, agentId, sessionId, runId, orchestratorId, title, project, expiresAt, createdAt, count }) {
      const { waits } = await behind(on, runId);
      const askers = await approvals.askersOf(on, id);
      return {
        ...{ kind: "approval", of: id, since: createdAt, count, holdsUp: [...askers, ...waits] },
        subject: { agentId, title, project, approvalId: id, runId, sessionId, orchestratorId },
        ...{ reason: `Waits for an answer until ${toTime(expiresAt)}.`, actions: ["answer"] },
      };
    },
  };

  const blocked: Kind<RowOf<Announcements["stuck"]>> = {
    rows: announcements.stuck,
    async one(on, of) {
      const row = await announcements.find(on, of);
      return row?.state === "blocked" ? row : undefined;
    },
    draft: async (on, { id, agentId, runId, messageId, requester, reason, createdAt }) => ({
      ...{ kind: "blocked", of: id, since: createdAt, holdsUp: [requester] },
      subject: {
        ...{ agentId, title: `Result of ${runId}`, announcementId: id, runId, messageId },
        project: (await behind(on, runId)).project,
      },
      ...{ reason: `The result could not be delivered: ${reason ?? "unknown"}.`, actions: ["retry", "dismiss"] },
    }),
  };

  const dead: Kind<RowOf<Core["work"]["rows"]["deadCauses"]>> = {
    rows: (on, limit, project) => core.work.rows.deadCauses(on, limit, { project }),
    one: async (on, of) =>
      (await core.work.rows.deadCauses(on, MAX_VISITED)).find(({ target, error }) => causeOf(target, error) === of),
    draft: async (on, { messageId, newestId, count, error, since, fromId, target, subject, attempts }, project) => ({
      ...{ kind: "dead", of: causeOf(target, error), since, count, holdsUp: [fromId] },
      subject: {
        ...{ title: subject ?? `Work for ${target}`, messageId },
        project: project ?? (await projectOf(on, newestId)),
      },
      reason: `Given up after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}: ${error ?? "no lease was kept"}.`,
      actions: ["requeue", "cancel"],
    }),
  };

  const stuck: Kind<RowOf<Sessions["stuck"]>> = {
    rows: sessions.stuck,
    async one(on, of) {
      const row = await sessions.find(on, of);
      return row?.state === "stuck" && row.endedAt === null ? row : undefined;
    },
    async draft(on, { id, agentId, runId, project, orchestratorId, name, reason, lastEventAt, startedAt }) {
      const { waits } = await behind(on, runId);
      return {
        ...{ kind: "stuck", of: id, since: lastEventAt ?? startedAt, holdsUp: waits },
        subject: { agentId, title: name ?? id, project, runId, sessionId: id, orchestratorId },
        ...{ reason: reason ?? "Nothing happens.", actions: ["peek", "interrupt", "kill", "tell"] },
      };
    },
  };

  const awayNow = (on: ReadTx) => sessions.awayBy(on, identity.orchestrators.away());
  const away: Kind<RowOf<typeof awayNow>> = {
    rows: async (on, limit) => (await awayNow(on)).slice(0, limit),
    one: async (on, of) => (await awayNow(on)).find(({ orchestratorId }) => orchestratorId === of),
    draft: (_, { orchestratorId, live, since }) => ({
      ...{ kind: "away", of: orchestratorId, since, count: live },
      subject: { orchestratorId, title: orchestratorId },
      reason: `The machine has not been heard of; ${live === 1 ? "a session was" : `${live} sessions were`} live there.`,
      actions: [],
    }),
  };

  const loop: Kind<RowOf<Loops["paused"]>> = {
    rows: loops.paused,
    one: loops.pausedAt,
    draft: async (on, { rootId, fromId, target, streak, messageId, pausedAt }) => ({
      ...{ kind: "loop", of: rootId, since: pausedAt, holdsUp: [fromId, target] },
      subject: { agentId: fromId, title: `Thread ${rootId}`, messageId, project: await projectOf(on, messageId) },
      ...{ reason: `Paused after ${streak} turns by agents in a row.`, actions: ["resume"] },
    }),
  };

  const conflict: Kind<RowOf<Conflicts["open"]>> = {
    rows: conflicts.open,
    one: (on, of) => conflicts.between(on, of.split(":")),
    draft: (_, { first, second, repository, place, at }) => ({
      ...{ kind: "conflict", of: `${first.id}:${second.id}`, since: at },
      subject: { agentId: second.agentId, title: place, project: repository, sessionId: second.id },
      reason: `${first.agentId} and ${second.agentId} work in the same place: ${place} in ${repository}.`,
      actions: ["tell", "interrupt"],
    }),
  };

  const webhook: Kind<RowOf<Webhooks["failing"]>> = {
    rows: webhooks.failing,
    one: webhooks.failingOne,
    draft: (_, { id, agentId, name, reason, failures, pending, failingSince, createdAt }) => ({
      ...{ kind: "webhook", of: id, since: failingSince ?? createdAt, count: Math.max(1, pending) },
      subject: { agentId, title: name ?? id, webhookId: id },
      ...{ reason: reason ?? `Its address failed ${failures} times in a row.`, actions: ["resume"] },
    }),
  };

  const all: Record<AttentionKind, Asked> = {
    ...{ approval: asked(approval), blocked: asked(blocked), dead: asked(dead), stuck: asked(stuck) },
    ...{ away: asked(away), loop: asked(loop), conflict: asked(conflict), webhook: asked(webhook) },
  };

  return {
    /** Things of one kind, or of all, and of one project where it is named; `isCut`: of some kind there are more. */
    async of(on: ReadTx, kind: AttentionKind | undefined, project: string | undefined): Promise<Listed> {
      const kinds = kind === undefined ? Object.values(all) : [all[kind]];
      const lists = await Promise.all(kinds.map((one) => one.list(on, project)));
      return { needs: lists.flatMap(({ needs }) => needs), isCut: lists.some(({ isCut }) => isCut) };
    },
    /** Things that have a project, of every kind. Dead letters: the causes of the newest. */
    async inProjects(on: ReadTx): Promise<Need[]> {
      const recent = {
        ...dead,
        rows: (of: ReadTx, limit: number) => core.work.rows.deadCauses(of, limit, { among: MAX_DEAD }),
      };
      const { away: _, webhook: __, ...kinds } = { ...all, dead: asked(recent) };
      const lists = await Promise.all(Object.values(kinds).map((one) => one.list(on)));
      return lists.flatMap(({ needs }) => needs).filter(({ subject }) => subject.project !== null);
    },
    /** One that waits. `of`: the rest of its id, beside the kind. */
    one: (on: ReadTx, kind: AttentionKind, of: string): Promise<Need | undefined> => all[kind].one(on, of),
  };
}

interface Listed {
  needs: Need[];
  isCut: boolean;
}

interface Asked {
  list(on: ReadTx, project?: string): Promise<Listed>;
  one(on: ReadTx, of: string): Promise<Need | undefined>;
}

const asked = <Row>({ rows, one, draft }: Kind<Row>): Asked => ({
  async list(on, project) {
    const found = await rows(on, MAX_OF_KIND + 1, project);
    const shown = found.slice(0, MAX_OF_KIND);
    return {
      needs: await Promise.all(shown.map(async (row) => need(await draft(on, row, project)))),
      isCut: found.length > MAX_OF_KIND,
    };
  },
  async one(on, of) {
    const row = await one(on, of);
    return row && need(await draft(on, row));
  },
});
