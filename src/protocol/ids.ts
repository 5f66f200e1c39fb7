declare const kind: unique symbol;

/**
 * An id that cannot stand in the place of another kind. A plain string or number may become one, as those from outside do; the mark
 * exists for the compiler alone.
 */
type Id<Primitive, Kind extends string> = Primitive & { readonly [kind]?: Kind };

export type AgentId = Id<string, "agent">;
/** An agent id, a group, `orchestrator:x` or a channel's name: an agent id is a target, a target no agent id. */
export type Target = Id<string, "agent" | "target">;
export type MessageId = Id<number, "message">;
export type InstanceId = Id<string, "instance">;
export type TokenId = Id<string, "token">;

/** Entries of a log after one id, up to another and with that. */
export interface Span {
  after: MessageId;
  upTo: MessageId;
}
