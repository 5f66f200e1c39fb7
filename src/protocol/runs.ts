import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { MAX_TIMEOUT_SECONDS } from "./delegations.ts";
import { FacetQuery } from "./facets.ts";
import { BODY_BYTES } from "./limits.ts";
import { Conversation, FileId } from "./posts.ts";
import { NAMED, named, namedEnum, object, strictObject } from "./shape.ts";
import {
  Bool,
  EncodingInput,
  Int,
  int,
  line,
  listOf,
  MessageId,
  NumberPageQuery,
  queryInt,
  Str,
  StrOrNull,
  Time,
  TimeOrNull,
  text,
} from "./wire.ts";

/** Lease of a turn unless the runner asks for another. */
export const LEASE_SECONDS = 120;

export const RunId = z
  .string()
  .regex(/^run_[a-z0-9]{1,40}$/, "has to be the id of a run, like run_0mf3k2j1a7x2c9q4b0d8")
  .describe("run_...");
export const TurnId = z
  .string()
  .regex(/^trn_[a-z0-9]{1,40}$/, "has to be the id of a turn, like trn_0mf3k2j1a7x2c9q4b0d8")
  .describe("trn_...");

export const RUN_STATUS = ["queued", "running", "waiting", "stopping", "ended"] as const;
export const RunStatus = namedEnum(
  "RunStatus",
  "queued: a turn waits to be taken. waiting: its own turn is over, runs it asked for are not. stopping: asked to stop.",
  RUN_STATUS,
);
export type RunStatus = z.infer<typeof RunStatus>;
export const RunOutcome = namedEnum("RunOutcome", "Outcome of a turn or a run.", ["ok", "error", "timeout", "aborted"]);
export type RunOutcome = z.infer<typeof RunOutcome>;
export const RunErrorCode = namedEnum("RunErrorCode", "Kind of failure.", [
  ...(["lost", "timeout", "crashed", "refused", "limited", "no-result", "no-runner", "provider", "unknown"] as const),
]);
export type RunErrorCode = z.infer<typeof RunErrorCode>;
export const RunCause = z.enum(["message", "schedule", "spawn", "chat"]);
export type RunCause = z.infer<typeof RunCause>;

/** Receiver of a run's result. */
export const RunRequester = z
  .union([
    strictObject(() => ({ agentId: AgentId })),
    strictObject(() => ({ runId: RunId })),
    strictObject(() => ({ conversation: Conversation })),
  ])
  .register(NAMED, { id: "RunRequester" });
export type RunRequester = z.infer<typeof RunRequester>;

/** Something outside the relay that a run made or is about. */
export const RunLink = strictObject(() => ({
  kind: z.enum(["branch", "commit", "pull", "url"]),
  ref: line(512).nullish(),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .nullish(),
  state: line(64).nullish(),
  evidence: z.enum(["git", "tool", "webhook", "said"]).default("said"),
})).register(NAMED, { id: "RunLink" });
export type RunLink = z.output<typeof RunLink>;

const tokens = () => Int.min(0);
const amounts = () => ({
  inputTokens: tokens(),
  outputTokens: tokens(),
  cacheReadTokens: tokens(),
  cacheWriteTokens: tokens(),
  costUsd: z.number().min(0),
});
export const Amounts = object(amounts);
export type Amounts = z.infer<typeof Amounts>;

/** Tokens and money of a run. */
export const RunUsage = named("RunUsage", "Sums over its turns.", () => ({
  ...amounts(),
  byModel: z.record(Str, Amounts),
}));
export type RunUsage = z.infer<typeof RunUsage>;
/** Tokens and money to add. */
export const UsageInput = strictObject(() => ({
  ...strictObject(amounts).partial().shape,
  model: line(256).optional(),
}));
export type UsageInput = z.infer<typeof UsageInput>;

const files = () => z.array(FileId).max(32).optional();

/** `POST /v1/runs`. */
export const RunDraft = strictObject(() => ({
  from: AgentId.optional().describe(
    "Agent that asks for it. An operator that names the run's own agent begins it at once.",
  ),
  agentId: AgentId.optional().describe("Agent that runs it; the token's agent when left out."),
  sessionKey: line(256)
    .optional()
    .describe("Names the dialogue that it belongs to; one run of it may be running. Left out: its own."),
  task: text(BODY_BYTES),
  label: line(256).optional(),
  messageId: MessageId.optional().describe(
    "Message that it works on. Left out of a run of another agent: its task is sent to that agent.",
  ),
  causedBy: MessageId.nullish().describe("Message that caused it, of a run whose task is sent. null: nothing did."),
  parentId: RunId.optional().describe(
    "Left out: the run named by the header Signalbox-Run, else the run that is meant.",
  ),
  requester: RunRequester.nullish().describe(
    "Receiver of the result. Left out: its parent if it is a spawn, else none.",
  ),
  origin: Conversation.optional().describe("Chat in which it was asked for."),
  deliverTo: Conversation.optional().describe("Chat that gets the result, instead of the requester's own."),
  cause: RunCause.optional().describe(
    "Left out: spawn for one that a run asked for, schedule or message by its message, else chat.",
  ),
  expectsResult: z.boolean().default(false).describe("An empty or silent result is refused."),
  wakeOnSettle: z.boolean().default(true).describe("Wake it once when the last run that it asked for has ended."),
  timeoutSeconds: int(1, MAX_TIMEOUT_SECONDS).optional(),
  leaseSeconds: int(1, 86_400).default(LEASE_SECONDS),
  model: line(256).optional(),
  cwd: line(4096).optional(),
  project: line(1024).optional(),
  tags: z.array(line(64)).max(32).optional(),
  orchestratorId: line(128).optional(),
  sessionId: line(64).optional(),
  keepSession: z.boolean().default(true),
  files: files(),
  encoding: EncodingInput,
})).register(NAMED, { id: "RunDraft" });
export type RunDraft = z.input<typeof RunDraft>;
export type ParsedRun = z.output<typeof RunDraft>;

export const RunTurn = object(() => ({
  turnId: TurnId,
  startedAt: TimeOrNull,
  endedAt: TimeOrNull,
  outcome: RunOutcome.nullable(),
  late: Bool,
}));
export type RunTurn = z.infer<typeof RunTurn>;

export const RunResult = object(() => ({
  text: Str,
  cut: Bool.describe("The whole is longer, in the file."),
  fileId: Str.optional(),
  files: z.array(Str).optional().describe("Files that go with it."),
  missingFiles: z.array(Str).optional().describe("Files that the runner named and the relay does not have."),
}));
export type RunResult = z.infer<typeof RunResult>;

export const Run = named("Run", "One execution of an agent on a piece of work.", () => ({
  id: RunId,
  agentId: Str,
  sessionKey: Str,
  sessionId: StrOrNull,
  orchestratorId: StrOrNull,
  task: Str,
  label: StrOrNull,
  cause: RunCause,
  messageId: MessageId.nullable(),
  threadId: MessageId.nullable(),
  delegationId: StrOrNull.describe("Delegation that its result answers."),
  parentId: RunId.nullable(),
  rootRunId: RunId,
  depth: Int.describe("Delegations and spawned runs above it."),
  requester: RunRequester.nullable(),
  person: StrOrNull,
  origin: Conversation.nullable(),
  project: StrOrNull,
  tags: z.array(Str),
  links: z.array(RunLink),
  status: RunStatus,
  outcome: RunOutcome.nullable(),
  errorCode: RunErrorCode.nullable(),
  error: StrOrNull,
  confirmed: Bool.nullable().describe("Of an abort: whether the runner confirmed it."),
  late: Bool.describe("Its result came after it had ended."),
  turnId: TurnId,
  turns: z.array(RunTurn).describe("The newest 100, oldest first."),
  model: StrOrNull,
  cwd: StrOrNull,
  usage: RunUsage,
  result: RunResult.nullable(),
  encoding: Str.describe("Encoding of task and result."),
  deadlineAt: TimeOrNull,
  wokenAt: TimeOrNull,
  wakeOnSettle: Bool.describe("Whether a turn begins when the runs that it asked for have ended after its own."),
  approvalId: StrOrNull.describe("The approval that it waits for before its agent hears of it."),
  createdAt: Time,
  endedAt: TimeOrNull,
  token: Str.optional().describe("Fence of the running turn, for its runner alone: the header Signalbox-Run."),
}));
export type Run = z.infer<typeof Run>;
export const RunList = listOf(Run).register(NAMED, { id: "RunList" });

/** News of a run for watchers and webhooks, at each change of its status. */
export const RunChange = object(
  () =>
    Run.pick({
      ...{ id: true, agentId: true, sessionKey: true, label: true, messageId: true, threadId: true, parentId: true },
      ...{ rootRunId: true, status: true, outcome: true, errorCode: true, late: true, turnId: true, project: true },
      ...{ createdAt: true, endedAt: true },
    }).shape,
).register(NAMED, { id: "RunChange" });
export type RunChange = z.infer<typeof RunChange>;

export const RunTree = object(() => ({
  run: Run,
  descendants: z.array(Run).describe("Oldest first, at most 500."),
  usage: RunUsage.describe("Sums over all of them, each counted once."),
  complete: Bool.describe("false: a runner reported no usage, or there are more descendants."),
})).register(NAMED, { id: "RunTree" });
export type RunTree = z.infer<typeof RunTree>;

export const RunPrompt = object(() => ({
  text: Str.describe("Role, rules, depth and spawn rights, for the model that runs it."),
  depth: Int,
  maySpawn: Bool,
})).register(NAMED, { id: "RunPrompt" });
export type RunPrompt = z.infer<typeof RunPrompt>;

export const RunDiff = object(() => ({
  files: z.array(object(() => ({ path: Str, change: Str, added: Int, removed: Int, patch: StrOrNull }))),
  added: Int,
  removed: Int,
  cut: Bool.describe("Patches were left out because the run was too large."),
})).register(NAMED, { id: "RunDiff" });
export type RunDiff = z.infer<typeof RunDiff>;

/** `POST .../start`. */
export const RunStart = strictObject(() => ({
  leaseSeconds: int(1, 86_400).default(LEASE_SECONDS),
  again: z.boolean().default(false).describe("Begin a turn in a run that ended as lost."),
}));
export type RunStart = z.input<typeof RunStart>;
export const RunStarted = object(() => ({ run: Run, turnId: TurnId, token: Str })).register(NAMED, {
  id: "RunStarted",
});
export type RunStarted = z.infer<typeof RunStarted>;

/** `POST .../renew`. */
export const RunRenew = strictObject(() => ({ leaseSeconds: int(1, 86_400).optional() }));
export type RunRenew = z.input<typeof RunRenew>;
export const RunRenewed = object(() => ({ status: RunStatus, turnId: TurnId, expiresAt: Time }));
export type RunRenewed = z.infer<typeof RunRenewed>;

/** `POST .../finish`. */
export const RunFinish = strictObject(() => ({
  outcome: RunOutcome,
  errorCode: RunErrorCode.optional(),
  error: text(4096).optional(),
  result: text(8 * 1024 * 1024)
    .optional()
    .describe("Left out: the last visible assistant text of the turn."),
  files: files().describe("Files to hand over with the result."),
  links: z.array(RunLink).max(100).optional(),
  silent: z.boolean().default(false).describe("There is nothing to say: no result is delivered."),
  usage: UsageInput.optional().describe("Added to what usage events have said."),
}));
export type RunFinish = z.input<typeof RunFinish>;
export type ParsedFinish = z.output<typeof RunFinish>;

/** `POST .../abort`. */
export const RunAbort = strictObject(() => ({
  reason: text(2048).optional(),
  cascade: z.boolean().default(true).describe("Also the runs that it asked for, at any depth."),
}));
export type RunAbort = z.input<typeof RunAbort>;
const Aborted = { id: RunId, status: RunStatus };
export const RunAborted = object(() => ({ status: RunStatus, children: z.array(object(() => Aborted)) })).register(
  NAMED,
  {
    id: "RunAborted",
  },
);
export type RunAborted = z.infer<typeof RunAborted>;

/** `POST .../messages`. */
export const RunMessage = strictObject(() => ({
  id: line(128).optional().describe("A repeat with the same id changes nothing."),
  text: text(BODY_BYTES),
  files: files(),
}));
export type RunMessage = z.input<typeof RunMessage>;
export const RunTold = object(() => ({
  turnId: TurnId,
  mode: z.enum(["steered", "queued", "started"]).describe("steered: the running turn hears it. started: a new turn."),
})).register(NAMED, { id: "RunTold" });
export type RunTold = z.infer<typeof RunTold>;

export const RunQuery = strictObject(() => ({
  agent: AgentId.optional(),
  parent: RunId.optional(),
  requester: line(512).optional().describe("An agent, a run, or channelId/conversationId of a chat."),
  status: RunStatus.optional(),
  sessionKey: line(256).optional(),
  sessionId: line(64).optional(),
  message: queryInt(1, Number.MAX_SAFE_INTEGER).optional(),
  thread: queryInt(1, Number.MAX_SAFE_INTEGER).optional(),
  q: line(512).optional().describe("Text in its label, or in the beginning of its task; among the newest 2,000."),
  ...FacetQuery,
  person: line(64).optional(),
  ...NumberPageQuery,
}));
export type RunQuery = z.input<typeof RunQuery>;
