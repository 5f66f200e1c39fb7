import { z } from "zod";
import { strictObject } from "./shape.ts";
import { line, MAX_ID_LENGTH } from "./wire.ts";

const PLAIN_ID = /^[a-z0-9][a-z0-9._-]*$/;
const CHANNEL_ID = /^[a-z0-9][a-z0-9._-]*:[a-zA-Z0-9][a-zA-Z0-9._@+-]*$/;
const RESERVED_ID = /^(user|system|broadcast)$|^orchestrator-|^(label|tag|cap|orchestrator):/;

/** Any agent's id, as it is named in a path or a body: its shape alone. */
export const AgentId = z
  .string()
  .max(MAX_ID_LENGTH)
  .refine(
    (id) => PLAIN_ID.test(id) || CHANNEL_ID.test(id),
    "has to be an agent's id: lower-case letters, digits and . _ -, like build-1 (a channel's: provider:account)",
  )
  .describe("[a-z0-9][a-z0-9._-]*, or provider:account for a channel agent.");

/** Why an id cannot be given out by registering, or undefined. */
export function reservedId(id: string): string | undefined {
  return RESERVED_ID.test(id) ? `${id} is reserved` : undefined;
}

export const word = line(MAX_ID_LENGTH);

/** Account of a channel agent; the agent's id is exactly `provider:accountId`. */
export const ChannelInfo = strictObject(() => ({
  provider: line(64),
  accountId: line(64),
  displayName: line(128).optional(),
  transport: line(64).optional(),
  direction: z.enum(["inbound", "outbound", "bidirectional"]).default("bidirectional"),
  topics: z.array(word).max(64).optional(),
  target: line(160).optional(),
}));
export type ChannelInfo = z.infer<typeof ChannelInfo>;
