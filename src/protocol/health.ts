import { z } from "zod";
import { contracts } from "./contract.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import { MessageId, queryInt, Time } from "./wire.ts";

const CheckStatus = z.enum(["ok", "warn", "fail"]);
export const HealthCheck = object(() => ({ name: z.string(), status: CheckStatus, detail: z.string() }));
export type HealthCheck = z.infer<typeof HealthCheck>;

/** How long what is kept: the values in force. */
export const RetentionState = object(() => ({
  days: z.int().describe("SIGNALBOX_RETENTION_DAYS: messages, finished work, and what has ended."),
  runEventHours: z.int().describe("SIGNALBOX_RUN_EVENT_HOURS: every event of a run, after its end."),
  fileUnusedHours: z.int().describe("SIGNALBOX_FILE_UNUSED_HOURS: files that no message carries."),
  firstId: MessageId.describe("The oldest message that may still be there; work that is not over is older."),
  lastRun: object(() => ({
    at: Time,
    deleted: z.int().describe("Messages."),
    refused: z.boolean().describe("true: the clock had jumped, and less was deleted than was old enough."),
  }))
    .nullable()
    .describe("null: it has not run yet. It runs once an hour."),
})).register(NAMED, { id: "RetentionState" });
export type RetentionState = z.infer<typeof RetentionState>;

/** `GET /v1/health`: the worst check wins. */
export const HealthReport = named("HealthReport", "A report on the relay itself.", () => ({
  status: CheckStatus,
  version: z.string(),
  generatedAt: Time,
  checks: z.array(HealthCheck),
  // Left out by relays of earlier versions, which a newer program asks before it replaces them.
  retention: RetentionState.optional(),
}));
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

/** `GET /v1/backups`: copies in the data folder. */
export const BackupList = object(() => ({
  items: z
    .array(
      object(() => ({ file: z.string().describe("Path on the relay's machine."), bytes: z.int(), createdAt: Time })),
    )
    .describe("The newest 100, newest first."),
})).register(NAMED, { id: "BackupList" });
export type BackupList = z.infer<typeof BackupList>;

const contract = contracts("Health");
const TEXT = "text/plain; version=0.0.4";

export const healthReport = contract("healthReport", "GET /v1/health", {
  summary: "Report the relay's health: the worst check is the status",
  answers: { 200: { description: "The report, whatever it says.", schema: HealthReport } },
  problems: ["forbidden"],
});

export const metrics = contract("metrics", "GET /metrics", {
  summary: "Get Prometheus metrics",
  answers: { 200: { description: "Text exposition format 0.0.4.", type: TEXT, schema: z.string() } },
  problems: ["forbidden"],
});

export const makeBackup = contract("makeBackup", "POST /v1/backups", {
  summary: "Copy the database in the data folder",
  long: true,
  query: BackupQuery,
  answers: { 201: { description: "Where it is.", schema: Backup } },
  problems: ["forbidden", "conflict"],
});

export const listBackups = contract("listBackups", "GET /v1/backups", {
  summary: "List the copies of the database in the data folder",
  answers: { 200: { description: "The newest first.", schema: BackupList } },
  problems: ["forbidden"],
});

export const alive = contract("alive", "GET /healthz", {
  summary: "Check that the process answers",
  open: true,
  answers: { 200: { description: "It is alive.", schema: Alive } },
});

export const ready = contract("ready", "GET /readyz", {
  summary: "Check that the database takes writes",
  open: true,
  answers: { 200: { description: "It is ready.", schema: Alive } },
  problems: ["storage-unavailable", "overloaded"],
});
