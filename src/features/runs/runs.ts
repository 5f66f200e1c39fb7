import type { Areas } from "../../core/core.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { RunChange } from "../../protocol/runs.ts";
import type { Delegations } from "../delegations/delegations.ts";
import type { Files } from "../files/files.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Traces } from "../traces/traces.ts";
import { createAbort } from "./abort.ts";
import { createRunAccess } from "./access.ts";
import { createRunAnswers } from "./answers.ts";
import { createBegin, type RunLimits } from "./begin.ts";
import { compactionSweep } from "./compact.ts";
import { createControl } from "./control.ts";
import { createEventFiles } from "./event-files.ts";
import { createEvents } from "./events.ts";
import { createRunFacts } from "./facts.ts";
import { createFamily } from "./family.ts";
import { createFinishes } from "./finish.ts";
import { createFinishing } from "./finishing.ts";
import { createFollows } from "./follow.ts";
import { createInputs } from "./inputs.ts";
import { createLife } from "./life.ts";
import { createRunLinks } from "./links.ts";
import { openPartLog } from "./part-log.ts";
import { createParts } from "./parts.ts";
import { createRunReactions } from "./reactions.ts";
import { createRecorder } from "./recorder.ts";
import { createRunSweeps } from "./retention.ts";
import { createRunTraces } from "./run-traces.ts";
import { createRunService } from "./service.ts";
import { createSettle } from "./settle.ts";
import { createSpending } from "./spending.ts";
import { createRunStore } from "./store.ts";
import { createInputStore } from "./store-inputs.ts";
import { runLists } from "./store-lists.ts";
import { createPartStore } from "./store-parts.ts";
import { createTell } from "./tell.ts";
import { createRunTree } from "./tree.ts";

/** Newest runs of a project whose agents work on it. */
const RECENT = 500;

export type Runs = Awaited<ReturnType<typeof createRuns>>;

/** Areas that runs are built on. */
type Ground = Areas & { delegations: Delegations; files: Files; traces: Traces; sessions: Sessions };

/** Runs: executions of agents, whose results reach their requesters. */
export async function createRuns(ground: Ground, limits: RunLimits) {
  const { db } = ground.kernel;
  const { inbox, facets } = ground.core;
  const store = createRunStore();
  const partStore = createPartStore();
  const inputStore = createInputStore();
  const log = await openPartLog(db);
  const recorder = createRecorder(ground.kernel, log, partStore);
  const access = createRunAccess(ground, store);
  const control = createControl(ground);
  const answers = createRunAnswers(ground);
  const traces = createRunTraces(ground, { store, parts: partStore });
  const settle = createSettle(ground, { store, recorder, control, answers, traces });
  const { kept, sweeps } = createRunSweeps(ground);
  const spending = createSpending(ground.kernel);
  const finishes = createFinishes(ground, { store, recorder, settle, spending });
  const life = createLife(ground, { store, access, recorder, settle, finishes, spending });
  const family = createFamily(ground, store, access);
  const begin = createBegin(ground, { store, access, family, settle, life }, limits);
  const service = createRunService(ground, { store, access, begin });
  const abort = createAbort(ground, { store, access, control, settle });
  const tell = createTell(ground, { store, access, control, recorder, settle });
  const tree = createRunTree({ access, service });
  const finishing = createFinishing(ground, { store, access, recorder, life, service });
  const reactions = createRunReactions(ground, { store, settle });
  const inputs = createInputs(ground, inputStore);
  const eventFiles = createEventFiles(ground, limits.retentionDays);
  const events = createEvents({ access, life, recorder, inputs, eventFiles });
  const follows = createFollows(ground.kernel, log, partStore);
  const parts = createParts(ground.kernel, { access, runs: store, store: partStore, follows });
  return {
    service,
    life,
    log,
    parts,
    newestOf: store.newestOf,
    runningIn: runLists.runningIn,
    /** Open streams of runs. */
    openStreams: follows.size,
    access,
    links: createRunLinks({ store, settle }),
    abort,
    tell,
    lastText: recorder.lastText,
    note: recorder.note,
    partsAfter: partStore.after,
    changed: settle.changed,
    ended: settle.ended,
    used: spending.used,
    unwanted: abort.unwanted,
    replied: reactions.replied,
    followWaited: reactions.followWaited,
    settledAmong: reactions.settledAmong,
    dropAgent: reactions.dropAgent,
    giveGrace: life.giveGrace,
    node: family.node,
    runningFor: family.runningFor,
    openFrom: async (on: ReadTx, agentId: string, limit: number): Promise<number> =>
      store.countAskedBy(on, agentId, limit),
    openBelow: async (on: ReadTx, rootId: string, limit: number): Promise<number> =>
      store.countBelow(on, rootId, limit),
    keptFrom: (on: ReadTx): Promise<number | undefined> => store.oldestMessage(on),
    limits,
    liveChildren: store.countChildren,
    remindQueued: life.remindQueued,
    /** Runs that a run asked for, oldest first. */
    findings: store.findings,
    book: {
      ...{ byId: store.byId, findings: store.findings, workingFor: family.workingFor, turnsOf: store.turnsOf },
      ...{ isCompacting: recorder.isCompacting, follows: access.follows },
    },
    /** The newest run that names a message, and the newest of these that has not ended. */
    async ofMessage(on: ReadTx, messageId: number) {
      const named = await store.ofMessage(on, messageId);
      return named[0] && { newest: named[0], running: named.find(({ status }) => status !== "ended") };
    },
    idsOfMessage: async (on: ReadTx, messageId: number): Promise<string[]> =>
      (await store.ofMessage(on, messageId)).map(({ id }) => id),
    sources: [life.source],
    sweeps: [...sweeps, compactionSweep(partStore, limits.eventHours, follows.isFollowed)],
    kept,
    facts: createRunFacts(store),
    inTurns: inputs.inTurns,
    hasBegun: runLists.hasBegun,
    liveInThreads: runLists.liveInThreads,
    countAlone: runLists.countAlone,
    /** Agents of the newest runs of a project. */
    agentsIn: async (on: ReadTx, project: string): Promise<string[]> =>
      runLists.agentsOf(on, await facets.newestIn(on, "run", project, RECENT)),
    inputFacts: inputs.facts,
    forget: inputStore.forgetMessages,
    dueHandlers: { ...reactions.dueHandlers, ...traces.dueHandlers },
    /** Streams of a run that has ended come to their end. */
    endStreams: ({ id, status }: RunChange): void => follows.runChanged(id, status === "ended"),
    showWatchers(change: RunChange): void {
      if (change.messageId !== null) inbox.watch.about(change.messageId, "run", () => JSON.stringify(change));
      else inbox.watch.toAll("run", () => JSON.stringify(change));
    },
    routes: lateRoutes(["/v1/runs"], async () => {
      const [verbs, log] = await Promise.all([import("./routes.ts"), import("./part-routes.ts")]);
      return [
        ...verbs.runRoutes(ground, { service, life, abort, tell, tree, finishing }),
        ...log.partRoutes(db, { events, parts }),
      ];
    }),
  };
}
