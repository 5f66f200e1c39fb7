/** Limits and words that the relay knows from its start. Shapes, which cost time to build, are loaded with the first call. */

export const BODY_BYTES = 256 * 1024;
export const JSON_BYTES = 64 * 1024;

/** Kinds that a plain send may name. Verbs of the relay write the others. */
export const PLAIN_KINDS = ["chat", "task"] as const;
export const MESSAGE_KINDS = [
  ...PLAIN_KINDS,
  "channel.event",
  "control",
  "pair",
  "request",
  "response",
  "announcement",
  "system",
] as const;

/** Trace limits of one message for each agent, so that no agent takes another's room. */
export const MAX_TRACES = 1000;
export const MAX_TRACE_BYTES = 4 * 1024 * 1024;
/** Trace limits of one message for all agents together. */
export const MAX_ALL_TRACES = 10 * MAX_TRACES;
export const MAX_ALL_TRACE_BYTES = 10 * MAX_TRACE_BYTES;

/** Most bytes of one event of a run. */
export const EVENT_BYTES = 64 * 1024;
/** Beyond this a run stores text, usage and ends alone. */
export const RUN_BYTES = 50 * 1024 * 1024;
/** Longest result that a run's row keeps; the whole is in a file. */
export const RESULT_BYTES = 100_000;

/** Longest chain of delegations. */
export const MAX_DEPTH = 5;

/** Kinds of failure of a post to a channel: worth another try, never, or unknown. */
export const FAILURES = ["transient", "permanent", "ambiguous"] as const;

/** Runs kept of each job of an agent, and bytes kept of the output of each. */
export const MAX_JOB_RUNS = 100;
export const JOB_OUTPUT_BYTES = 64 * 1024;
