import { z } from "zod";
import { RunId, TurnId } from "./runs.ts";
import { Int, Str, StrOrNull } from "./wire.ts";

/** Result of a run that another one asked for, told to that one when it is woken. */
export const RunFinding = z.looseObject({
  runId: RunId,
  agentId: Str.optional(),
  label: StrOrNull.optional(),
  outcome: Str.nullable().optional(),
  errorCode: StrOrNull.optional(),
  error: StrOrNull.optional(),
  result: StrOrNull.optional(),
  left: Int.optional(),
});
export type RunFinding = z.infer<typeof RunFinding>;

/** `payload.run` of a `control` message to the runner of a run. Members may be added. */
export const RunControl = z.looseObject({
  id: RunId,
  turnId: TurnId,
  do: z.enum(["start", "abort", "message", "wake"]),
  text: StrOrNull.optional(),
  reason: StrOrNull.optional(),
  findings: z.array(RunFinding).optional(),
});
export type RunControl = z.infer<typeof RunControl>;
