import type { Hooks } from "../../kernel/hooks.ts";
import type { Span } from "../../protocol/ids.ts";

export type Acked = ReturnType<typeof createAcked>;

/** An agent's cursor moved over a span of the log, or `user` marked one message as read. */
export const createAcked = (hooks: Hooks) => hooks.event<[agentId: string, span: Span]>("inbox.acked");
