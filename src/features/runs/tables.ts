import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { AgentId, MessageId } from "../../protocol/ids.ts";
import type { RunCause, RunErrorCode, RunOutcome, RunStatus } from "../../protocol/runs.ts";

const isLive = sql`status <> 'ended'`;
export const isNotCompact = sql`compact = 0 and ended_at is not null`;
/** Parts that are looked for by their type. SQLite takes the index only for the same words. */
export const isStart = sql`substr(json, 1, 16) = '{"type":"start",'`;
export const isDiff = sql`substr(json, 1, 19) = '{"type":"data-diff"'`;

/** Executions of agents. `result` is kept apart from `run_parts`, which go earlier. */
export const runs = sqliteTable(
  "runs",
  {
    /** Order of lists. */
    number: integer("number").primaryKey({ autoIncrement: true }),
    id: text("id").notNull(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    sessionKey: text("session_key").notNull(),
    sessionId: text("session_id"),
    orchestratorId: text("orchestrator_id"),
    label: text("label"),
    cause: text("cause").$type<RunCause>().notNull(),
    messageId: integer("message_id").$type<MessageId>(),
    threadId: integer("thread_id").$type<MessageId>(),
    delegationId: text("delegation_id"),
    /** The run that it is part of. */
    parentId: text("parent_id"),
    /** The first run of its tree; its own id without a parent. */
    rootRunId: text("root_run_id").notNull(),
    /** Root of the tree of delegations and runs that it hangs on (`core/trees`). */
    rootId: text("root_id").notNull(),
    depth: integer("depth").notNull(),
    /** Receiver of the result, as text: an agent's id, a run's id, or `channelId/conversationId[/threadId]`; null for none. */
    requester: text("requester"),
    /** RunRequester, as JSON. */
    requesterJson: text("requester_json"),
    /** Agent that asked for it: may tell and abort it. */
    askedBy: text("asked_by").$type<AgentId>(),
    person: text("person"),
    /** Conversation, as JSON. */
    origin: text("origin"),
    /** Conversation, as JSON. */
    deliverTo: text("deliver_to"),
    project: text("project"),
    /** Strings, as JSON. */
    tags: text("tags").notNull(),
    /** RunLinks, as JSON. */
    links: text("links").notNull(),
    status: text("status").$type<RunStatus>().notNull(),
    outcome: text("outcome").$type<RunOutcome>(),
    errorCode: text("error_code").$type<RunErrorCode>(),
    error: text("error"),
    confirmed: integer("confirmed", { mode: "boolean" }),
    late: integer("late", { mode: "boolean" }).notNull(),
    /** The newest turn: waiting, running, or ended. */
    turnId: text("turn_id").notNull(),
    turns: integer("turns").notNull(),
    model: text("model"),
    cwd: text("cwd"),
    expectsResult: integer("expects_result", { mode: "boolean" }).notNull(),
    wakeOnSettle: integer("wake_on_settle", { mode: "boolean" }).notNull(),
    keepSession: integer("keep_session", { mode: "boolean" }).notNull(),
    opaque: integer("opaque", { mode: "boolean" }).notNull(),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    cacheReadTokens: integer("cache_read_tokens").notNull(),
    cacheWriteTokens: integer("cache_write_tokens").notNull(),
    costUsd: real("cost_usd").notNull(),
    /** Amounts by model, as JSON; null while a runner has reported none. */
    byModel: text("by_model"),
    timeoutSeconds: integer("timeout_seconds"),
    leaseSeconds: integer("lease_seconds").notNull(),
    /** End of the whole run. */
    deadlineAt: integer("deadline_at"),
    /** The next time at which something happens to it: lease, deadline, end of an abort, end of a wake. */
    dueAt: integer("due_at"),
    /** Set while the turn ends by itself unless the runner says more: outcome and error, as JSON. */
    closing: text("closing"),
    /** Approval that its message waits for; null once it is sent. */
    approvalId: text("approval_id"),
    /** Agent, or `user`, that asked it to stop. */
    abortedBy: text("aborted_by"),
    wokenAt: integer("woken_at"),
    createdAt: integer("created_at").notNull(),
    endedAt: integer("ended_at"),
    /** Deltas were joined; only finished parts are left. */
    compact: integer("compact", { mode: "boolean" }).notNull(),
    resultFileId: text("result_file_id"),
    resultCut: integer("result_cut", { mode: "boolean" }).notNull(),
    /** File ids, as JSON. */
    resultFiles: text("result_files"),
    /** File ids that were named and are not there, as JSON. */
    missingFiles: text("missing_files"),
    /** Its last turn said that there is nothing to say. */
    silent: integer("silent", { mode: "boolean" }).notNull(),
    // Large columns last: a query of the others reads no further pages.
    task: text("task").notNull(),
    result: text("result"),
  },
  (t) => [
    uniqueIndex("runs_by_id").on(t.id),
    index("runs_of_agent").on(t.agentId, t.number),
    index("runs_of_session").on(t.agentId, t.sessionKey, t.number),
    index("runs_live_of_session").on(t.agentId, t.sessionKey, t.status).where(isLive),
    index("runs_of_session_id").on(t.sessionId, t.number).where(sql`session_id is not null`),
    index("runs_of_parent").on(t.parentId, t.number).where(sql`parent_id is not null`),
    index("runs_of_root").on(t.rootRunId, t.number),
    index("runs_live_of_tree").on(t.rootId, t.number, t.status).where(isLive),
    index("runs_of_message").on(t.messageId, t.number).where(sql`message_id is not null`),
    index("runs_of_thread").on(t.threadId, t.number).where(sql`thread_id is not null`),
    index("runs_of_requester").on(t.requester, t.number).where(sql`requester is not null`),
    index("runs_asked_by").on(t.askedBy, t.number).where(sql`asked_by is not null`),
    index("runs_of_delegation").on(t.delegationId).where(sql`delegation_id is not null`),
    index("runs_live").on(t.status, t.number).where(isLive),
    index("runs_due").on(t.dueAt).where(sql`due_at is not null`),
    index("runs_not_compact").on(t.endedAt).where(isNotCompact),
    index("runs_ended").on(t.endedAt, t.rootRunId).where(sql`ended_at is not null`),
  ],
);

/** Prompts of runs, each with its answer. */
export const runTurns = sqliteTable(
  "run_turns",
  {
    id: text("id").primaryKey(),
    runId: text("run_id").notNull(),
    /** From 1. */
    number: integer("number").notNull(),
    cause: text("cause").$type<"begin" | "message" | "wake" | "again">().notNull(),
    createdAt: integer("created_at").notNull(),
    startedAt: integer("started_at"),
    endedAt: integer("ended_at"),
    outcome: text("outcome").$type<RunOutcome>(),
    /** A finish after the end was taken. */
    late: integer("late", { mode: "boolean" }).notNull(),
    /** The relay ended it without the runner: lost, timed out, or an abort without an answer. One late finish is taken. */
    owed: integer("owed", { mode: "boolean" }).notNull(),
    /** File ids that came with the prompt, as JSON. */
    files: text("files"),
    /** Prompt; null for the task of the run. */
    text: text("text"),
  },
  (t) => [uniqueIndex("run_turns_of_run").on(t.runId, t.number)],
);

/** The log of runs: parts as every viewer gets them. The id is the place. */
export const runParts = sqliteTable(
  "run_parts",
  {
    place: integer("place").primaryKey({ autoIncrement: true }),
    runId: text("run_id").notNull(),
    turnId: text("turn_id").notNull(),
    at: integer("at").notNull(),
    /** Part of the AI SDK's UI message stream, as JSON. */
    json: text("json").notNull(),
  },
  (t) => [
    index("run_parts_of_run").on(t.runId, t.place),
    index("run_parts_starts").on(t.turnId).where(isStart),
    index("run_parts_diffs").on(t.runId, t.place).where(isDiff),
  ],
);

/** Progress of the recording of a run: open parts, bytes. */
export const runRecordings = sqliteTable("run_recordings", {
  runId: text("run_id").primaryKey(),
  turnId: text("turn_id").notNull(),
  bytes: integer("bytes").notNull(),
  /** Open parts of the turn, as JSON. */
  state: text("state").notNull(),
});

/** Messages that went into a model turn, as the runner said. */
export const runInputs = sqliteTable(
  "run_inputs",
  {
    messageId: integer("message_id").$type<MessageId>().notNull(),
    runId: text("run_id").notNull(),
    turnId: text("turn_id").notNull(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    at: integer("at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.messageId, t.runId] }), index("run_inputs_of_run").on(t.runId)],
);

/** Sequence expected next from each source of a run's events. */
export const runSources = sqliteTable(
  "run_sources",
  {
    runId: text("run_id").notNull(),
    source: text("source").notNull(),
    next: integer("next").notNull(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.source] })],
);
