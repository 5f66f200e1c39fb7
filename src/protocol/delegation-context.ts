import { z } from "zod";
import { NAMED, strictObject } from "./shape.ts";
import { text } from "./wire.ts";

/** Context for the worker, beside the text. */
export const DelegationContext = strictObject(() => ({
  summary: text(16 * 1024),
  constraints: z.array(text(2048)).max(32).optional(),
  expectedOutput: text(8 * 1024).optional(),
})).register(NAMED, { id: "DelegationContext" });
export type DelegationContext = z.infer<typeof DelegationContext>;
