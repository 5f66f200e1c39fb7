import { z } from "zod";
import { UsageInput } from "../../../protocol/runs.ts";
import type { OpenTask, Provenance } from "../provider.ts";

// Lines between the daemon and an agent of the operator's own, as docs/write-a-provider.md has them.

/** First line to the agent. */
export interface StartLine {
  type: "start";
  how: "new" | "resume" | "fork";
  /** Name of the session: under it the agent keeps what it wants to find again. */
  session: string;
  /** Session to copy, of a fork. */
  of?: string;
  /** The fork is for a look: nothing of it is kept. */
  ephemeral?: boolean;
  model: string | null;
  systemPrompt: string | null;
  tools: OpenTask["tools"];
  schema: object | null;
  mcp: OpenTask["mcp"];
}

/** Line to the agent. The end of its input asks it to end. */
export type LineToAgent =
  | StartLine
  | { type: "turn" | "steer"; id: string; text: string; images: readonly string[]; from: Provenance }
  | { type: "interrupt" }
  | { type: "answer"; ask: string; decision: "allow" | "deny" | "answer"; text: string | null };

const text = z.string();
const id = z.string().min(1).max(256);

/** Line of the agent. Members that are not named here are passed over. */
export const LineOfAgent = z.discriminatedUnion("type", [
  z.object({ type: z.enum(["ready", "missing", "stopped"]) }),
  z.object({ type: z.enum(["say", "think", "status"]), text }),
  z.object({ type: z.literal("tool"), id, name: text, args: z.unknown().optional() }),
  z.object({ type: z.literal("tool-result"), id, result: z.unknown().optional(), error: z.boolean().default(false) }),
  z.object({
    type: z.literal("diff"),
    path: text,
    change: z.enum(["added", "modified", "deleted", "renamed"]).default("modified"),
    added: z.number().int().min(0).default(0),
    removed: z.number().int().min(0).default(0),
    patch: text.optional(),
  }),
  z.object({ type: z.literal("usage"), ...UsageInput.shape }),
  z.object({
    type: z.literal("ask"),
    id,
    title: text.optional(),
    /** One of the three. */
    command: text.optional(),
    question: text.optional(),
    tool: z.object({ name: text, input: z.record(text, z.unknown()) }).optional(),
    /** Answers to a question. */
    options: z.array(text).default([]),
  }),
  z.object({ type: z.literal("withdraw"), id }),
  z.object({ type: z.literal("steered"), id }),
  z.object({
    type: z.literal("limit"),
    window: text.default("unknown"),
    /** Milliseconds since 1970. */
    until: z.number().nullable().default(null),
  }),
  z.object({ type: z.literal("done"), text: text.optional(), value: z.unknown().optional() }),
  z.object({ type: z.literal("failed"), error: text, limited: z.boolean().default(false) }),
]);
export type LineOfAgent = z.output<typeof LineOfAgent>;
export type AskLine = Extract<LineOfAgent, { type: "ask" }>;
