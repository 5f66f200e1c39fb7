/** The types that everybody knows, by their level. Any other name may stand at either level. */
export const TRACE_TYPES = {
  2: ["thinking", "planning", "reasoning", "decision"],
  3: ["file_read", "file_write", "command_exec", "search_result", "tool_call", "reference"],
} as const;

/** The level that a well-known type belongs to. */
export const levelOf = (type: string): 2 | 3 | undefined =>
  ([2, 3] as const).find((level) => (TRACE_TYPES[level] as readonly string[]).includes(type));
