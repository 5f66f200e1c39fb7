import { z } from "zod";
import { Card, OutsideAgent, OutsideDraft, OutsideList } from "../../protocol/a2a.ts";
import { Activity, ActivityList } from "../../protocol/activity.ts";
import {
  Agent,
  AgentKind,
  AgentList,
  AgentPatch,
  AgentRegistration,
  AgentStatus,
  Heartbeat,
  Presence,
  Reach,
  RegisteredAgent,
} from "../../protocol/agents.ts";
import { Binding, BindingDraft, BindingList, BindingMode, RouteReport, SetBinding } from "../../protocol/bindings.ts";
import {
  Attachment,
  Channel,
  ChannelEvent,
  ChannelList,
  EventAnswer,
  EventList,
  EventSummary,
  PostedParts,
  PostNote,
  WebhookChannel,
  WebhookChannelDraft,
} from "../../protocol/channels.ts";
import { DelegationContext } from "../../protocol/delegation-context.ts";
import {
  CancelledDelegations,
  Delegation,
  DelegationAnswer,
  DelegationChange,
  DelegationDraft,
  DelegationList,
  DelegationResponse,
  DelegationStatus,
} from "../../protocol/delegations.ts";
import { Explanation } from "../../protocol/explain.ts";
import { StoredFile } from "../../protocol/files.ts";
import { Backup, HealthReport } from "../../protocol/health.ts";
import { Acked, Bye, Followed, Hello, Inbox, InboxItem, Reset, WorkChange } from "../../protocol/inbox.ts";
import {
  EventResult,
  Integration,
  IntegrationDraft,
  IntegrationList,
  Mapping,
  Paths,
  SavedIntegration,
  Verification,
} from "../../protocol/integrations.ts";
import { Loop, LoopKind, LoopList } from "../../protocol/loops.ts";
import {
  Batch,
  Entry,
  Holding,
  Message,
  MessageDetail,
  MessageDraft,
  MessageKind,
  MessageList,
  Parent,
  Scheduled,
  SentBatch,
  SentMessage,
  WorkState,
} from "../../protocol/messages.ts";
import {
  ApprovalMode,
  ManagedAgent,
  Orchestrator,
  OrchestratorHeartbeat,
  OrchestratorList,
  OrchestratorPatch,
  OrchestratorRegistration,
  OrchestratorStatus,
} from "../../protocol/orchestrators.ts";
import { Pair, PairDraft, PairList, PairMessage, PairStatus, PairStep } from "../../protocol/pairs.ts";
import { Conversation } from "../../protocol/posts.ts";
import { ProblemBody } from "../../protocol/problem.ts";
import {
  Fire,
  FireDetail,
  FireList,
  Schedule,
  ScheduleDraft,
  ScheduleList,
  ScheduleMessage,
  SchedulePatch,
  SentByFire,
} from "../../protocol/schedules.ts";
import { ClientFrame, SocketFrame } from "../../protocol/sockets.ts";
import {
  Progress,
  Severity,
  Task,
  TaskClaim,
  TaskDetail,
  TaskDraft,
  TaskEvent,
  TaskList,
  TaskRelease,
  TaskRenew,
  TaskStatus,
  TaskStatusChange,
} from "../../protocol/tasks.ts";
import { Thread } from "../../protocol/threads.ts";
import { NewToken, Role, Token, TokenDraft, TokenList, WhoAmI } from "../../protocol/tokens.ts";
import { History, HistoryItem, Trace, TraceDraft, TraceList, TracesAdded } from "../../protocol/traces.ts";
import {
  Delivery,
  DeliveryList,
  NewWebhook,
  Webhook,
  WebhookDraft,
  WebhookList,
  WebhookPatch,
} from "../../protocol/webhooks.ts";
import {
  Claimed,
  ClaimedList,
  ClaimNext,
  ClaimOne,
  Complete,
  DeadLetter,
  DeadLetterList,
  Fail,
  Lease,
  Posts,
  Release,
  Renew,
  Result,
  WorkAnswer,
} from "../../protocol/work.ts";

/** JSON that is being put together. */
export type Json = Record<string, unknown>;

/** The schemas that the document names, by whether they are read or written; every other one stands where it is used. */
const BOTH_WAYS = {
  ...{ AgentKind, AgentStatus, MessageKind, Reach, Role, Severity, TaskStatus, WorkState },
  ...{ BindingMode },
  ...{ DelegationContext, DelegationStatus, PairStatus },
  ...{ ApprovalMode, LoopKind, OrchestratorStatus },
  ...{ Mapping, Paths, Verification },
};
const INPUTS = {
  ...{ AgentPatch, AgentRegistration, Batch, ClaimNext, ClaimOne, Complete, Fail, Heartbeat, MessageDraft, Release },
  ...{ IntegrationDraft },
  ...{ TraceDraft },
  ...{ Progress, Renew, Result, TaskClaim, TaskDraft, TaskRelease, TaskRenew, TaskStatusChange, TokenDraft },
  ...{ WebhookDraft, WebhookPatch },
  ...{ Attachment, BindingDraft, ChannelEvent, PostNote, WebhookChannelDraft },
  ...{ Attachment, BindingDraft, ChannelEvent, PostNote },
  ...{ DelegationDraft, DelegationResponse, PairDraft, PairMessage, PairStep },
  ...{ OrchestratorHeartbeat, OrchestratorPatch, OrchestratorRegistration },
  ...{ ScheduleDraft, ScheduleMessage, SchedulePatch, WebhookDraft, WebhookPatch },
  ...{ ClientFrame, OutsideDraft },
};
const OUTPUTS = {
  ...{ Acked, Activity, ActivityList, Agent, AgentList, Backup, Bye, Claimed, ClaimedList, DeadLetter, DeadLetterList },
  ...{
    Entry,
    Explanation,
    Followed,
    HealthReport,
    Hello,
    Holding,
    Inbox,
    InboxItem,
    Lease,
    Message,
    MessageDetail,
    MessageList,
    NewToken,
  },
  ...{ Parent, Presence, Problem: ProblemBody, RegisteredAgent, Reset, Scheduled, SentBatch, SentMessage, Thread },
  ...{ Delivery, DeliveryList, NewWebhook, Webhook, WebhookList },
  ...{ CancelledDelegations, Delegation, DelegationAnswer, DelegationChange, DelegationList, Pair, PairList },
  ...{ Loop, LoopList, ManagedAgent, Orchestrator, OrchestratorList },
  ...{ Fire, FireDetail, FireList, SentByFire, Schedule, ScheduleList },
  ...{ Card, OutsideAgent, OutsideList },
  ...{ History, HistoryItem, Trace, TraceList, TracesAdded },
  ...{ EventResult, Integration, IntegrationList, SavedIntegration },
  ...{ Task, TaskDetail, TaskEvent, TaskList, Token, TokenList, WhoAmI, WorkAnswer, WorkChange },
  ...{ Binding, BindingList, Channel, ChannelList, Conversation, EventAnswer, EventList, EventSummary, PostedParts },
  ...{ ServerFrame: SocketFrame },
  ...{ Posts, RouteReport, SetBinding, StoredFile, WebhookChannel },
};

/** How one direction of schemas is written: a named one as a reference, another in full. */
type Write = (schema: z.ZodType) => Json;

export interface Shapes {
  input: Write;
  output: Write;
  /** A path or query parameter: what it means (a number), not how it arrives (text). */
  parameter: Write;
  components: Json;
}

/** Writes zod schemas as JSON Schema 2020-12, which OpenAPI 3.1 takes as it is. */
export function createShapes(inputs: readonly z.ZodType[], outputs: readonly z.ZodType[]): Shapes {
  const read = convert("input", { ...BOTH_WAYS, ...INPUTS }, inputs);
  const written = convert("output", { ...BOTH_WAYS, ...OUTPUTS }, outputs);
  const parameter: Write = (schema) =>
    cleaned(z.toJSONSchema(schema, { io: "output", unrepresentable: "any", override: simplify("output") }));
  return {
    input: read.write,
    output: written.write,
    parameter,
    components: { ...read.components, ...written.components },
  };
}

function convert(io: "input" | "output", named: Record<string, z.ZodType>, others: readonly z.ZodType[]) {
  const registry = z.registry<{ id: string }>();
  const names = new Map<z.ZodType, string>();
  for (const [name, schema] of Object.entries(named)) names.set(schema, name);
  for (const schema of others) if (!names.has(schema)) names.set(schema, `unnamed.${names.size}`);
  for (const [schema, id] of names) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io,
    uri: referenceTo,
    override: simplify(io),
    // What zod cannot know of a check of our own stands in its metadata; a transform has no shape to show.
    unrepresentable: ({ zodSchema }) => (zodSchema._zod.def.type === "custom" ? {} : "throw"),
  });
  const jsonOf = (id: string) => cleaned(schemas[id] ?? {});
  return {
    components: Object.fromEntries(Object.keys(named).map((name) => [name, jsonOf(name)])),
    write(schema: z.ZodType): Json {
      const id = names.get(schema) ?? "";
      return id in named ? { $ref: referenceTo(id) } : jsonOf(id);
    },
  };
}

const referenceTo = (name: string): string => `#/components/schemas/${name}`;

/** Takes away what zod adds and no reader needs. Answers may grow by fields, so they are not closed. */
const simplify =
  (io: "input" | "output") =>
  ({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void => {
    if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (JSON.stringify(jsonSchema.propertyNames) === '{"type":"string"}') delete jsonSchema.propertyNames;
    if (io === "output" && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    if (io === "input" && jsonSchema.default !== undefined) describeDefault(jsonSchema);
    if (jsonSchema.shorthand) admitShorthand(jsonSchema);
  };

/** Client generators take a member with a `default` for one that is always there, and demand it of the caller. */
function describeDefault(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const said = `Default: ${JSON.stringify(jsonSchema.default)}.`;
  jsonSchema.description = jsonSchema.description ? `${jsonSchema.description} ${said}` : said;
  delete jsonSchema.default;
}

/** A preprocessed schema names in its metadata the shorter form that it takes too: the document shows both. */
function admitShorthand(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const { shorthand, description, ...full } = jsonSchema;
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
  Object.assign(jsonSchema, { description, anyOf: [shorthand, full] });
}

const cleaned = ({ $schema: _, $id: __, id: ___, ...rest }: Json): Json => rest;
