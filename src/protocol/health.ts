import { z } from "zod";
import { contract } from "./contract.ts";
import { NAMED, object, strictObject } from "./shape.ts";
import { queryInt, Time } from "./wire.ts";

const CheckStatus = z.enum(["ok", "warn", "fail"]);
export const HealthCheck = object(() => ({ name: z.string(), status: CheckStatus, detail: z.string() }));
export type HealthCheck = z.infer<typeof HealthCheck>;

/** `GET /v1/health`: the worst check wins. */
export const HealthReport = object(() => ({
  status: CheckStatus,
  version: z.string(),
  generatedAt: Time,
  checks: z.array(HealthCheck),
}))
  .describe("A report on the relay itself.")
  .register(NAMED, { id: "HealthReport" });
export type HealthReport = z.infer<typeof HealthReport>;

/** `GET /healthz` and `GET /readyz`. */
export const Alive = object(() => ({ status: z.literal("ok") }));

const BackupQuery = strictObject(() => ({
  keep: queryInt(1, 10_000)
    .optional()
    .describe("Number of copies to keep in the data folder, this one included; older ones are deleted."),
}));

/** `POST /v1/backups`: a whole copy of the database, beside it in the data folder. */
export const Backup = object(() => ({
  file: z.string().describe("Path on the relay's machine."),
  bytes: z.int(),
  head: z.int().describe("The newest message in the copy."),
  createdAt: Time,
  deleted: z.array(z.string()).describe("Older copies that were deleted to stay within `keep`."),
})).register(NAMED, { id: "Backup" });
export type Backup = z.infer<typeof Backup>;

const tag = "Health";
const TEXT = "text/plain; version=0.0.4";

export const healthReport = contract({
  method: "GET",
  path: "/v1/health",
  operationId: "healthReport",
  summary: "How the relay is: checks, the worst of which is the status",
  tag,
  answers: { 200: { description: "The report, whatever it says.", schema: HealthReport } },
  problems: ["forbidden"],
});

export const metrics = contract({
  method: "GET",
  path: "/metrics",
  operationId: "metrics",
  summary: "Prometheus metrics",
  tag,
  answers: { 200: { description: "Text exposition format 0.0.4.", type: TEXT, schema: z.string() } },
  problems: ["forbidden"],
});

export const makeBackup = contract({
  method: "POST",
  path: "/v1/backups",
  operationId: "makeBackup",
  summary: "Make a copy of the database in the data folder",
  tag,
  long: true,
  query: BackupQuery,
  answers: { 201: { description: "Where it is.", schema: Backup } },
  problems: ["forbidden", "conflict"],
});

export const alive = contract({
  method: "GET",
  path: "/healthz",
  operationId: "alive",
  summary: "The process answers",
  tag,
  open: true,
  answers: { 200: { description: "It is alive.", schema: Alive } },
});

export const ready = contract({
  method: "GET",
  path: "/readyz",
  operationId: "ready",
  summary: "The database takes writes",
  tag,
  open: true,
  answers: { 200: { description: "It is ready.", schema: Alive } },
  problems: ["storage-unavailable", "overloaded"],
});
