import { z } from "zod";

// Lines of Claude Code's stream-json, as of 2.1.332 and 2.1.197. Members that are not named here are passed over, and so are
// lines of other types: the CLI gets new ones every week.

const count = z.number().min(0).catch(0);
const text = z.string().optional().catch(undefined);
const texts = z.array(z.string()).optional().catch(undefined);

/** Block of a message. */
export const Block = z.union([
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("thinking"), thinking: z.string() }),
  z.object({ type: z.literal("tool_use"), id: z.string(), name: z.string(), input: z.unknown().optional() }),
  z.object({
    type: z.literal("tool_result"),
    tool_use_id: z.string(),
    content: z.unknown().optional(),
    is_error: z.boolean().nullish(),
  }),
  z.object({ type: z.string() }),
]);
export type Block = z.infer<typeof Block>;

/** Tokens of the main loop. */
const Usage = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
});
export type Usage = z.infer<typeof Usage>;

/** Amounts of one model, its sub-agents included. */
const ModelUsage = z.object({
  inputTokens: count,
  outputTokens: count,
  cacheReadInputTokens: count,
  cacheCreationInputTokens: count,
  costUSD: count,
});
const Models = z.record(z.string(), ModelUsage).optional().catch(undefined);
export type Models = z.infer<typeof Models>;

const Message = z.object({
  type: z.enum(["assistant", "user"]),
  uuid: z.string().optional().catch(undefined),
  message: z.object({ content: z.union([z.string().transform(() => []), z.array(Block)]) }),
  parent_tool_use_id: z.string().nullish(),
  /** Class of a failure that the CLI says as if the model had. */
  error: text,
  tool_use_result: z.unknown().optional(),
  isSynthetic: z.boolean().optional().catch(undefined),
});
export type Message = z.infer<typeof Message>;

const Delta = z.object({
  type: z.literal("stream_event"),
  event: z.object({
    type: text,
    content_block: z.object({ type: text }).optional().catch(undefined),
    delta: z.object({ text, thinking: text }).optional().catch(undefined),
  }),
  parent_tool_use_id: z.string().nullish(),
});

const Result = z.object({
  type: z.literal("result"),
  subtype: text,
  is_error: z.boolean().catch(false),
  result: text,
  structured_output: z.unknown().optional(),
  errors: texts,
  num_turns: count,
  duration_ms: z.number().nullable().catch(null),
  total_cost_usd: count,
  usage: Usage.optional().catch(undefined),
  /** Sums of the session, continued over a resume. */
  modelUsage: Models,
  model_usage_since_last_result: Models,
  api_error_status: z.number().nullable().catch(null),
  terminal_reason: text,
  startup_failure_reason: text,
  user_message_uuids: texts,
  queued_turn_count: count,
  result_index: z.number().int().optional().catch(undefined),
});
export type Result = z.infer<typeof Result>;

const RateLimit = z.object({
  status: z.enum(["allowed", "allowed_warning", "rejected"]).catch("allowed"),
  /** Seconds since 1970. */
  resetsAt: z.number().nullable().catch(null),
  rateLimitType: text,
  utilization: z.number().nullable().catch(null),
  /** Every window of the account, also those that refuse and warn of nothing yet. */
  unifiedWindows: z
    .record(z.string(), z.object({ utilization: z.number(), resetsAt: z.number() }))
    .optional()
    .catch(undefined),
});

const system = <S extends string, Shape extends z.ZodRawShape>(subtype: S, shape: Shape) =>
  z.object({ type: z.literal("system"), subtype: z.literal(subtype), ...shape });

/** Question of the CLI for a permission. */
const PermissionAsk = z.object({
  subtype: z.literal("can_use_tool"),
  tool_name: z.string(),
  input: z.record(z.string(), z.unknown()),
  title: text,
  description: text,
  permission_suggestions: z
    .array(z.object({ type: z.string() }).loose())
    .optional()
    .catch(undefined),
  suppress_always_allow_rule: z.boolean().optional().catch(undefined),
  default_to_no: z.boolean().optional().catch(undefined),
  requires_user_interaction: z.boolean().optional().catch(undefined),
});
export type PermissionAsk = z.infer<typeof PermissionAsk>;

const ControlResponse = z.object({
  type: z.literal("control_response"),
  response: z.object({
    subtype: z.string(),
    request_id: z.string(),
    error: text,
    response: z.record(z.string(), z.unknown()).nullish().catch(null),
  }),
});

export const Line = z.union([
  Message,
  Delta,
  Result,
  system("init", { capabilities: texts, session_id: text, user_message_uuids: texts }),
  system("session_state_changed", { state: z.enum(["idle", "running", "requires_action"]) }),
  system("status", { status: z.string().nullish() }),
  system("compact_boundary", {}),
  system("api_retry", {
    attempt: count,
    retry_delay_ms: count,
    error_status: z.number().nullable().catch(null),
    error: text,
  }),
  system("session_writes_lost", { error_code: text }),
  z.object({ type: z.literal("session_writes_lost"), error_code: text }),
  z.object({ type: z.literal("rate_limit_event"), rate_limit_info: RateLimit.loose() }),
  z.object({
    type: z.literal("command_lifecycle"),
    command_uuid: z.string(),
    state: z.enum(["queued", "started", "completed", "cancelled"]),
  }),
  ControlResponse,
  z.object({
    type: z.literal("control_request"),
    request_id: z.string(),
    request: z.union([PermissionAsk, z.object({ subtype: z.string() })]),
  }),
  z.object({ type: z.literal("control_cancel_request"), request_id: z.string() }),
]);
export type Line = z.infer<typeof Line>;
