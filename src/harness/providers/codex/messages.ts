import { z } from "zod";

// Messages of `codex app-server`, as of 0.171.0, as far as we read them. Unknown methods are passed over.

const text = z.string();
const count = z.number().min(0).catch(0);
const id = z.union([z.string(), z.number()]);

export const Change = z.object({
  path: text,
  kind: z.object({ type: z.enum(["add", "delete", "update"]), move_path: text.nullish() }),
  diff: text.catch(""),
});
export type Change = z.infer<typeof Change>;

/** Parts of threads. Types without events are left out. */
export const Item = z.discriminatedUnion("type", [
  z.object({ type: z.literal("userMessage"), id: text, clientId: text.nullish() }),
  z.object({ type: z.literal("agentMessage"), id: text, text }),
  z.object({
    type: z.literal("reasoning"),
    id: text,
    summary: z.array(text).catch([]),
    content: z.array(text).catch([]),
  }),
  z.object({
    ...{ type: z.literal("commandExecution"), id: text, command: text, cwd: text.nullish(), status: text },
    aggregatedOutput: text.nullish(),
    exitCode: z.number().int().nullish(),
  }),
  z.object({ type: z.literal("fileChange"), id: text, changes: z.array(Change), status: text }),
  z.object({
    ...{ type: z.literal("mcpToolCall"), id: text, server: text, tool: text, status: text },
    ...{ arguments: z.unknown().optional(), result: z.unknown().optional() },
    error: z.object({ message: text }).nullish(),
  }),
  z.object({
    ...{
      type: z.literal("dynamicToolCall"),
      id: text,
      namespace: text.nullish(),
      tool: text,
      arguments: z.unknown().optional(),
    },
    ...{ contentItems: z.unknown().optional(), success: z.boolean().nullish() },
  }),
  z.object({
    ...{ type: z.literal("collabAgentToolCall"), id: text, tool: text, status: text, prompt: text.nullish() },
    receiverThreadIds: z.array(text).catch([]),
  }),
  z.object({ type: z.literal("webSearch"), id: text, query: text.catch("") }),
  z.object({ type: z.literal("contextCompaction"), id: text }),
]);
export type Item = z.infer<typeof Item>;

/** A name, or an object with the name as its only member. */
const ErrorInfo = z.union([text, z.record(z.string(), z.unknown())]).nullish();
const TurnError = z.object({ message: text, codexErrorInfo: ErrorInfo, additionalDetails: text.nullish() });
export type TurnError = z.infer<typeof TurnError>;

export const Turn = z.object({
  id: text,
  status: text.catch("inProgress"),
  items: z.array(z.unknown()).catch([]),
  error: TurnError.nullish(),
  durationMs: z.number().min(0).nullish(),
});
export type Turn = z.infer<typeof Turn>;

const Tokens = z.object({
  inputTokens: count,
  cachedInputTokens: count,
  cacheWriteInputTokens: count,
  outputTokens: count,
});
export type Tokens = z.infer<typeof Tokens>;

const Window = z.object({
  usedPercent: z.number().nullish(),
  windowDurationMins: z.number().nullish(),
  /** Seconds since 1970. */
  resetsAt: z.number().nullish(),
});
export const RateLimits = z.object({
  limitId: text.nullish(),
  primary: Window.nullish(),
  secondary: Window.nullish(),
  rateLimitReachedType: text.nullish(),
});
export type RateLimits = z.infer<typeof RateLimits>;

const Status = z.object({ type: text, activeFlags: z.array(text).catch([]) });
const at = { threadId: text, turnId: text };
const delta = (method: string) =>
  z.object({ method: z.literal(method), params: z.object({ ...at, itemId: text, delta: text }) });

export const Delta = z.union([
  delta("item/agentMessage/delta"),
  delta("item/reasoning/summaryTextDelta"),
  delta("item/reasoning/textDelta"),
  delta("item/commandExecution/outputDelta"),
]);

export const Notification = z.discriminatedUnion("method", [
  z.object({
    method: z.literal("thread/status/changed"),
    params: z.object({ threadId: text, status: Status }),
  }),
  z.object({ method: z.literal("turn/started"), params: z.object({ threadId: text, turn: Turn }) }),
  z.object({ method: z.literal("turn/completed"), params: z.object({ threadId: text, turn: Turn }) }),
  z.object({
    method: z.literal("turn/plan/updated"),
    params: z.object({ threadId: text, plan: z.array(z.object({ step: text, status: text })) }),
  }),
  z.object({ method: z.literal("item/started"), params: z.object({ ...at, item: z.unknown().optional() }) }),
  z.object({ method: z.literal("item/completed"), params: z.object({ ...at, item: z.unknown().optional() }) }),
  z.object({
    method: z.literal("item/fileChange/patchUpdated"),
    params: z.object({ threadId: text, itemId: text, changes: z.array(Change) }),
  }),
  z.object({
    method: z.literal("item/mcpToolCall/progress"),
    params: z.object({ threadId: text, itemId: text, message: text }),
  }),
  z.object({
    method: z.literal("thread/tokenUsage/updated"),
    params: z.object({ ...at, tokenUsage: z.object({ total: Tokens, last: Tokens }) }),
  }),
  z.object({ method: z.literal("account/rateLimits/updated"), params: z.object({ rateLimits: RateLimits }) }),
  z.object({
    method: z.literal("error"),
    params: z.object({ threadId: text, error: TurnError, willRetry: z.boolean().catch(false) }),
  }),
  z.object({ method: z.literal("serverRequest/resolved"), params: z.object({ requestId: id }) }),
  z.object({
    method: z.literal("mcpServer/startupStatus/updated"),
    params: z.object({ name: text, status: text, error: text.nullish() }),
  }),
  z.object({ method: z.literal("warning"), params: z.object({ message: text }) }),
  z.object({ method: z.literal("configWarning"), params: z.object({ summary: text }) }),
  z.object({ method: z.literal("deprecationNotice"), params: z.object({ summary: text }) }),
]);
export type Notification = z.infer<typeof Notification>;

/** Answer to thread/start, thread/resume and thread/fork. */
export const ThreadAnswer = z.object({ thread: z.object({ id: text }), model: text.nullish() });
export const TurnAnswer = z.object({ turn: z.object({ id: text }) });
