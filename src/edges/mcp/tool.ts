import { z } from "zod";
import type { McpAreas, Turn } from "./services.ts";

/** Answer of a tool: text for the model, and the same as data. */
export interface ToolAnswer {
  text: string;
  facts: Record<string, unknown>;
  /** Question to the person at the client, who has to approve before the call is repeated. */
  asks?: string;
}

export interface Hints {
  readOnlyHint?: boolean;
  destructiveHint?: boolean;
  idempotentHint?: boolean;
}

export interface Tool {
  name: string;
  description: string;
  input: z.ZodObject;
  output: z.ZodObject;
  hints: Hints;
  run(areas: McpAreas, turn: Turn, input: never): Promise<ToolAnswer>;
}

interface Spec<I extends z.ZodObject, O extends z.ZodObject> {
  name: string;
  description: string;
  input: I;
  output: O;
  hints?: Hints;
  run(areas: McpAreas, turn: Turn, input: z.output<I>): Promise<{ text: string; facts: z.input<O>; asks?: string }>;
}

/** Declares a tool: its shapes, and the verb that it calls. */
export const tool = <I extends z.ZodObject, O extends z.ZodObject>(spec: Spec<I, O>): Tool =>
  ({ hints: { readOnlyHint: false, destructiveHint: false }, ...spec }) as unknown as Tool;

export const READ_ONLY: Hints = { readOnlyHint: true };

/** Tokens of an answer. */
export const budget = (standard: number) =>
  z.int().min(300).max(20_000).default(standard).describe("Most tokens of the answer.");
/** Room for text in a budget: JSON around it takes a share, other lines take `around` tokens. */
export const roomIn = (tokens: number, around: number): number => tokens * 0.85 - around;
/** Seconds that a call waits: clients give up after 30 or so. */
export const wait = z.int().min(0).max(25).default(0).describe("Seconds to wait for it.");
export const id = z.int().min(1);

/** Definitions as `tools/list` answers them. Models pay for every character of these. */
export const definitionsOf = (tools: readonly Tool[]) =>
  tools.map(({ name, description, input, output, hints }) => ({
    name,
    description,
    inputSchema: lean(z.toJSONSchema(input, { io: "input" })) as { type: "object" },
    outputSchema: lean(z.toJSONSchema(output, { io: "output" }), true) as { type: "object" },
    annotations: { ...hints, openWorldHint: false },
  }));

const SAFE = new Set<unknown>([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);

/** Drops members without information: the dialect, the range of all integers, and in answers `additionalProperties`. */
function lean(schema: unknown, isOutput = false): unknown {
  if (Array.isArray(schema)) return schema.map((each) => lean(each, isOutput));
  if (typeof schema !== "object" || schema === null) return schema;
  const kept = Object.entries(schema).filter(
    ([key, value]) => key !== "$schema" && !SAFE.has(value) && !(isOutput && key === "additionalProperties"),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, lean(value, isOutput)]));
}
