import { z } from "zod";
import { at, contracts, gone, paged } from "./contract.ts";
import { Message } from "./messages.ts";
import { NAMED, named, namedEnum, object, strictObject } from "./shape.ts";
import { DedupeKey, Severity, Task, TaskFields } from "./tasks.ts";
import { Source } from "./tokens.ts";
import { Int, jsonBody, line, listOf, PageQuery, Time, TimeInput } from "./wire.ts";

export const MAPPINGS = ["generic", "github", "alertmanager", "grafana", "sentry", "paths"] as const;
export const Mapping = z.enum(MAPPINGS).register(NAMED, { id: "Mapping" });
export type Mapping = z.infer<typeof Mapping>;

export const VERIFICATIONS = ["standard", "github", "sentry", "token"] as const;
export const Verification = namedEnum(
  "Verification",
  "How events show that they are the source's: standard (Standard Webhooks), github (X-Hub-Signature-256), sentry " +
    "(Sentry-Hook-Signature), token (the secret itself as bearer token or in X-Gitlab-Token).",
  VERIFICATIONS,
);
export type Verification = z.infer<typeof Verification>;

/** `$.a.b[0]['c d']`; the `$.` may be left out. */
const PATH = /^(?:\$|[^.[\]'"{}\s$]+)?(?:\.[^.[\]'"{}\s]+|\[\d{1,9}\]|\['[^']*'\])*$/;
const isTemplate = (given: string): boolean =>
  given.includes("{{") ? given.split("{{").slice(1).every(beginsWithPath) : PATH.test(given);
const beginsWithPath = (rest: string): boolean => {
  const end = rest.indexOf("}}");
  return end >= 0 && PATH.test(rest.slice(0, end).trim());
};
const JsonPath = line(256).regex(PATH, "is not a path: $.a.b[0]['c d']");
/** A path, or text with paths in it: `{{$.job}} failed on {{$.branch}}`. */
const Template = line(512).refine(isTemplate, "is not a path ($.a.b[0]['c d']) or text with {{paths}}");

/** Paths into a source's body, by field. */
export const Paths = strictObject(() => ({
  items: JsonPath.optional().describe(
    "A list in the body (`$` is the body itself): one event for each of its items, the other paths start there. A body " +
      "that is a list needs none.",
  ),
  title: Template,
  body: Template.optional(),
  severity: Template.optional(),
  dedupeKey: Template.optional(),
  status: Template.optional(),
  externalUrl: Template.optional(),
  topic: Template.optional(),
  occurredAt: Template.optional().describe("When it happened: a time in words, or seconds or milliseconds since 1970."),
  severities: z.record(line(64), Severity).optional().describe("What its words for severity mean."),
  resolved: z
    .array(line(64))
    .max(32)
    .optional()
    .describe("Its words for a status that is over; common ones if left out."),
})).register(NAMED, { id: "Paths" });
export type Paths = z.infer<typeof Paths>;

const Target = line(160);
const Topic = line(128);

/** `PUT /v1/integrations/{source}`: the whole of it; what is left out is as at first. */
export const IntegrationDraft = strictObject(() => ({
  target: Target.optional().describe("Who gets its tasks, where an event names nobody."),
  topic: Topic.optional(),
  severity: Severity.optional().describe("Of events that name none; info when left out."),
  mapping: Mapping.default("generic"),
  paths: Paths.optional(),
  verify: Verification.optional().describe("As the mapping's platform does it when left out."),
  secret: line(256)
    .refine((given) => given.length >= 16, "has to have at least 16 characters")
    .optional()
    .describe("A secret that the source made (as Sentry does); kept encrypted. One is made when left out."),
  rotate: z.boolean().optional().describe("Makes a new secret; the old one is worth nothing from then on."),
}))
  .superRefine((draft, ctx) => {
    if ((draft.mapping === "paths") === (draft.paths !== undefined)) return;
    const message = draft.paths ? "belongs to mapping paths alone" : "mapping paths needs it";
    ctx.addIssue({ code: "custom", path: ["paths"], message });
  })
  .register(NAMED, { id: "IntegrationDraft" });
export type IntegrationDraft = z.input<typeof IntegrationDraft>;
export type ParsedIntegrationDraft = z.output<typeof IntegrationDraft>;

export const Integration = object(() => ({
  source: z.string(),
  target: z.string().nullable(),
  topic: z.string().nullable(),
  severity: Severity.nullable(),
  mapping: Mapping,
  paths: Paths.nullable(),
  verify: Verification,
  createdAt: Time,
  updatedAt: Time,
}))
  .describe("A source of events, which become tasks. Its secret is not kept as it is, and shown once.")
  .register(NAMED, { id: "Integration" });
export type Integration = z.infer<typeof Integration>;
export const SavedIntegration = object(() => ({
  ...Integration.shape,
  secret: z.string().optional().describe("Shown this once, when one was made."),
})).register(NAMED, { id: "SavedIntegration" });
export type SavedIntegration = z.infer<typeof SavedIntegration>;

export const IntegrationQuery = strictObject(() => ({ ...PageQuery, page: Source.optional() }));
export type IntegrationQuery = z.input<typeof IntegrationQuery>;
export const IntegrationList = listOf(Integration).register(NAMED, { id: "IntegrationList" });

/** An event of a source with mapping generic. */
export const GenericEvent = strictObject(() => ({
  ...TaskFields,
  severity: Severity.optional(),
  dedupeKey: DedupeKey.optional(),
  status: z.enum(["open", "resolved"]).default("open"),
  occurredAt: TimeInput.optional().describe("An event older than a known one of the same key changes nothing."),
})).refine((event) => event.status === "open" || event.dedupeKey !== undefined, {
  path: ["dedupeKey"],
  error: "what is resolved is known by its key",
});
export type GenericEvent = z.input<typeof GenericEvent>;

/** Size limits of one event, and of all events taken from one delivery. */
export const EVENT_BYTES = 1024 * 1024;
export const MAX_EVENTS = 1000;
/** A delivery up to here is parsed whole; of a larger one (or one of more than 100,000 values) the mapped fields are read. */
export const DELIVERY_BYTES = 4 * 1024 * 1024;
/** GitHub's own limit, 25 MB, is the highest of all mapped sources. */
export const LARGEST_DELIVERY_BYTES = 25 * 1024 * 1024;
/** Body of a source's post: its own shape, read by its mapping. */
const EventBody = jsonBody(DELIVERY_BYTES);

const became = {
  task: Task.nullable().describe("null when the event is about nothing that needs work."),
  message: Message.nullable(),
  created: z.boolean().describe("Whether the task is new, or was opened again."),
};
export const EventResult = named("EventResult", "What became of an event.", () => ({
  ...became,
  tasks: z
    .array(z.object(became))
    .describe("Outcome of each event in the body; the fields beside it describe the first."),
  items: z.array(z.object(became)).optional().describe("The same, when the body held several events."),
  skipped: Int.describe(
    `Events left out because a delivery holds up to ${MAX_EVENTS} and ${EVENT_BYTES} bytes; the operator is told.`,
  ),
}));
export type EventResult = z.infer<typeof EventResult>;

const Path = strictObject(() => ({ source: Source }));
const contract = contracts("Integrations");

export const listIntegrations = contract("listIntegrations", "GET /v1/integrations", {
  ...paged(IntegrationQuery, IntegrationList),
  summary: "List integrations, by name",
});

export const putIntegration = contract("putIntegration", "PUT /v1/integrations/{source}", {
  summary: "Create or change an integration",
  description:
    "The body is the whole of it. Its secret stays, unless `rotate`, another `verify` or a `secret` says so.",
  params: Path,
  body: IntegrationDraft,
  example: { target: "tag:ops", mapping: "alertmanager" },
  bodyOptional: true,
  answers: {
    201: { description: "Made; `secret` is shown this once.", schema: SavedIntegration },
    200: { description: "Changed; with `secret` when a new one was made.", schema: SavedIntegration },
  },
  problems: ["forbidden", "unknown-target", "no-conversation", "not-claimable"],
});

export const getIntegration = contract("getIntegration", "GET /v1/integrations/{source}", {
  ...at(Path, Integration, "As it is."),
  summary: "Get an integration, without its secret",
});

export const deleteIntegration = contract("deleteIntegration", "DELETE /v1/integrations/{source}", {
  ...gone(Path, "Removed."),
  summary: "Delete an integration; its tasks stay",
});

export const postEvent = contract("postEvent", "POST /v1/integrations/{source}/events", {
  summary: "Report an event; it becomes a task",
  description:
    "By a token of role integration, or signed as the integration's `verify` says. The body is the source's own, as its " +
    "`mapping` reads it. A delivery that comes twice (webhook-id, X-GitHub-Delivery, Sentry's Request-ID, " +
    "Idempotency-Key) is one event. The same dedupeKey is the same task: counted while it is open, closed by " +
    "resolved, opened again with a new message after that. News older than what is known changes nothing, whether it " +
    "opens or closes; an end that comes before its beginning is remembered. Of a delivery that is too large as much is " +
    "taken as fits: its leading events, or the fields that the mapping reads; up to 25 MiB. `user` is told, once an hour for each reason.",
  params: Path,
  body: EventBody,
  example: { title: "Disk of db-1 is full", severity: "warning", dedupeKey: "db-1/disk" },
  bodyLimit: DELIVERY_BYTES,
  largest: LARGEST_DELIVERY_BYTES,
  idempotent: true,
  // Sources cannot be told to send their ids otherwise; a generic event can: see `receive`.
  keepsNumbers: true,
  answers: {
    201: { description: "A task was made or opened again.", schema: EventResult },
    200: {
      description: "A known task was changed, nothing was, or the delivery came before.",
      schema: EventResult,
    },
  },
  problems: ["forbidden", "not-found", "unknown-target", "no-conversation", "not-claimable"],
});
