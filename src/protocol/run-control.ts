import { z } from "zod";
import { RunId, RunResult, TurnId } from "./runs.ts";
import { Str, StrOrNull } from "./wire.ts";

/** End of a run that another one asked for, told to that one when it is woken. */
export const RunFinding = z.looseObject({
  runId: RunId,
  agentId: Str,
  label: StrOrNull,
  task: Str,
  outcome: StrOrNull,
  errorCode: StrOrNull,
  error: StrOrNull,
  result: RunResult.nullable(),
});
export type RunFinding = z.infer<typeof RunFinding>;

/** Payload of a `control` message to the runner of a run. Members may be added. */
export const RunControl = z.looseObject({
  run: z.looseObject({
    id: RunId,
    turnId: TurnId,
    do: z.enum(["start", "abort", "message", "wake"]),
    text: Str.optional(),
    findings: z.array(RunFinding).optional(),
  }),
  files: z.array(z.looseObject({ fileId: Str })).optional(),
});
export type RunControl = z.infer<typeof RunControl>["run"] & { files: string[] };
