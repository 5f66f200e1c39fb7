import { z } from "zod";
import { queryInt, Time } from "./wire.ts";

export const CheckStatus = z.enum(["ok", "warn", "fail"]);
export const HealthCheck = z.object({ name: z.string(), status: CheckStatus, detail: z.string() });
export type HealthCheck = z.infer<typeof HealthCheck>;

/** `GET /v1/health`: the worst check wins. */
export const HealthReport = z
  .object({ status: CheckStatus, version: z.string(), generatedAt: Time, checks: z.array(HealthCheck) })
  .describe("A report on the relay itself.");
export type HealthReport = z.infer<typeof HealthReport>;

/** `GET /healthz` and `GET /readyz`. */
export const Alive = z.object({ status: z.literal("ok") });

export const BackupQuery = z.strictObject({
  keep: queryInt(1, 10_000)
    .optional()
    .describe("Number of copies to keep in the data folder, this one included; older ones are deleted."),
});

/** `POST /v1/backups`: a whole copy of the database, beside it in the data folder. */
export const Backup = z.object({
  file: z.string().describe("Path on the relay's machine."),
  bytes: z.int(),
  head: z.int().describe("The newest message in the copy."),
  createdAt: Time,
  deleted: z.array(z.string()).describe("Older copies that were deleted to stay within `keep`."),
});
export type Backup = z.infer<typeof Backup>;
