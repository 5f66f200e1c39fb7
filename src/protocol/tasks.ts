import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { FacetQuery } from "./facets.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import { Source } from "./tokens.ts";
import {
  EncodingInput,
  int,
  jsonObject,
  line,
  listOf,
  MessageId,
  NumberPageQuery,
  PageQuery,
  Str,
  StrOrNull,
  Time,
  text,
} from "./wire.ts";

// Answers about messages carry tasks, so this file must not import the shapes of messages.

export const TASK_STATUSES = ["open", "claimed", "in_progress", "blocked", "done", "failed", "cancelled"] as const;
export const TaskStatus = z.enum(TASK_STATUSES).register(NAMED, { id: "TaskStatus" });
export type TaskStatus = z.infer<typeof TaskStatus>;

export const SEVERITIES = ["info", "warning", "error", "critical"] as const;
export const Severity = z.enum(SEVERITIES).register(NAMED, { id: "Severity" });
export type Severity = z.infer<typeof Severity>;

export const TITLE_BYTES = 480;
export const TASK_BODY_BYTES = 256 * 1024;
export const TASK_JSON_BYTES = 64 * 1024;

export const TaskId = z.string().regex(/^tsk_[a-z0-9]{1,40}$/, "has to be the id of a task, like tsk_7k2m");
const Target = line(160);
const Topic = line(128);
export const DedupeKey = line(255).describe("What the source calls it: the same key is the same task.");
export const ExternalUrl = line(2048).refine(isWebAddress, "has to be an http or https URL");

function isWebAddress(given: string): boolean {
  return /^https?:\/\//i.test(given) && URL.canParse(given);
}

/** Fields that every kind of task has. */
export const TaskFields = {
  title: line(TITLE_BYTES),
  body: text(TASK_BODY_BYTES).optional(),
  target: Target.optional().describe("Who may claim it; without one nobody is told of it."),
  topic: Topic.optional(),
  externalUrl: ExternalUrl.optional(),
  payload: jsonObject(TASK_JSON_BYTES).optional(),
};

/** `POST /v1/tasks`: a task made by hand. */
export const TaskDraft = strictObject(() => ({
  from: AgentId.optional().describe("The token's agent when left out; only an operator may name another."),
  ...TaskFields,
  severity: Severity.default("info"),
})).register(NAMED, { id: "TaskDraft" });
export type TaskDraft = z.input<typeof TaskDraft>;
export type ParsedTaskDraft = z.output<typeof TaskDraft>;

export const Task = named("Task", "A piece of work with a status and a history.", () => ({
  id: TaskId,
  source: z.string().nullable().describe("The integration that reported it; null when it was made by hand."),
  from: z.string().describe("Who made it; system for an integration's."),
  title: Str,
  body: Str,
  status: TaskStatus,
  severity: Severity,
  dedupeKey: StrOrNull,
  externalUrl: StrOrNull,
  target: StrOrNull,
  topic: StrOrNull,
  count: z.int().describe("How often it was reported."),
  messageId: MessageId.nullable().describe("The message whose lease is the task's; null without a target."),
  holder: StrOrNull,
  approvalId: StrOrNull.describe("The approval that its message waits for, or waited for."),
  createdAt: Time,
  updatedAt: Time,
}));
export type Task = z.infer<typeof Task>;

export const TaskEvent = object(() => ({
  at: Time,
  actor: z.string().describe("An agent, user, system, or integration:<source>."),
  person: z.string().nullable().describe("The person that did it."),
  from: TaskStatus.nullable().describe("null: it was made."),
  to: TaskStatus,
  note: StrOrNull,
  messageId: MessageId.nullable(),
  count: z.int().describe("How often this happened in a row."),
  lastAt: Time,
}))
  .describe("One step in a task's history. A step that repeats itself is counted.")
  .register(NAMED, { id: "TaskEvent" });
export type TaskEvent = z.infer<typeof TaskEvent>;

export const TaskDetail = object(() => ({
  ...Task.shape,
  payload: z.record(Str, z.unknown()).nullable(),
  events: z.array(TaskEvent).describe("Its history, oldest first: the newest page of it."),
  nextPage: z.string().nullable().describe("Older steps."),
})).register(NAMED, { id: "TaskDetail" });
export type TaskDetail = z.infer<typeof TaskDetail>;
export const TaskDetailQuery = strictObject(() => ({ ...NumberPageQuery }));

export const TaskQuery = strictObject(() => ({
  status: TaskStatus.optional(),
  target: Target.optional(),
  source: Source.optional(),
  holder: AgentId.optional(),
  severity: Severity.optional(),
  project: FacetQuery.project.describe("Of the thread that its message is in."),
  ...PageQuery,
  page: TaskId.optional(),
}));
export type TaskQuery = z.input<typeof TaskQuery>;
export const TaskList = listOf(Task).register(NAMED, { id: "TaskList" });

const LeaseSeconds = int(1, 86_400);
const Token = z.string().max(128).describe("The fencing token of its lease; the live one of the caller when left out.");

export const TaskClaim = strictObject(() => ({
  agentId: AgentId.optional(),
  leaseSeconds: LeaseSeconds.default(600),
})).register(NAMED, { id: "TaskClaim" });
export type TaskClaim = z.input<typeof TaskClaim>;
/** Progress of work: the sender gets it as a `control` message. */
export const Progress = strictObject(() => ({
  body: text(TASK_BODY_BYTES).refine((body) => body.trim() !== "", "is empty"),
  encoding: EncodingInput,
})).register(NAMED, { id: "Progress" });
export type Progress = z.output<typeof Progress>;
/** Text alone stands for a report with that body. */
export const ProgressInput = z
  .preprocess((given) => (typeof given === "string" ? { body: given } : given), Progress.optional())
  .meta({
    description: "Progress for the sender of the work: a report, or its body alone as text.",
    shorthand: { type: "string", maxLength: TASK_BODY_BYTES },
  });
export const TaskRenew = strictObject(() => ({
  token: Token.optional(),
  leaseSeconds: LeaseSeconds.optional(),
  progress: ProgressInput,
})).register(NAMED, { id: "TaskRenew" });
export type TaskRenew = z.input<typeof TaskRenew>;
export type ParsedTaskRenew = z.output<typeof TaskRenew>;
export const TaskRelease = strictObject(() => ({
  token: Token.optional(),
  delaySeconds: int(0, 31 * 86_400).optional(),
  reason: text(4096).optional(),
})).register(NAMED, { id: "TaskRelease" });
export type TaskRelease = z.input<typeof TaskRelease>;

/** `POST /v1/tasks/{id}/status`. Its holder says how it goes; who made it takes it back; an operator may end it. */
export const TaskStatusChange = strictObject(() => ({
  token: Token.optional(),
  status: z.enum(["in_progress", "blocked", "done", "failed", "cancelled"]),
  note: text(4096).optional().describe("Kept in the history; with done it goes to who made the task."),
})).register(NAMED, { id: "TaskStatusChange" });
export type TaskStatusChange = z.input<typeof TaskStatusChange>;
