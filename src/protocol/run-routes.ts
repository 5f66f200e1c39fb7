import { at, contracts, made, paged } from "./contract.ts";
import {
  EVENTS_BYTES,
  EventsAppended,
  MAX_EVENTS,
  PartsBye,
  RunEvent,
  RunEvents,
  RunFollowQuery,
  RunPart,
  RunPartList,
  RunPartQuery,
  RunStreamQuery,
  UiChunk,
} from "./run-events.ts";
import {
  Run,
  RunAbort,
  RunAborted,
  RunDiff,
  RunDraft,
  RunFinish,
  RunId,
  RunList,
  RunMessage,
  RunPrompt,
  RunQuery,
  RunRenew,
  RunRenewed,
  RunStart,
  RunStarted,
  RunTold,
  RunTree,
} from "./runs.ts";
import { strictObject, words } from "./shape.ts";

export const RunPath = strictObject(() => ({ id: RunId }));
const contract = contracts("Runs");
/** Refusals of the runner's verbs. */
const RUNNING = words("forbidden superseded not-found not-open claim-lost");

export const createRun = contract("createRun", "POST /v1/runs", {
  summary: "Begin a run, or ask an agent for one",
  description:
    "Made by its own agent, or by that agent's orchestrator, it is `running` and the answer has its `token`. Made by " +
    "anybody else it is `queued`: its agent hears of it by an urgent `control` message and takes it by `start`.",
  body: RunDraft,
  example: { agentId: "reviewer", task: "Check the parser for regressions.", label: "Parser check" },
  idempotent: true,
  answers: made(Run, "Made.", "Made before with this key."),
  problems: [
    ...words("forbidden superseded not-found unknown-target already-running budget-exceeded too-deep not-open"),
    ...words("quota-exceeded loop-paused idempotency-mismatch"),
  ],
});

export const startRun = contract("startRun", "POST /v1/runs/{id}/start", {
  ...at(RunPath, RunStarted, "Taken: its turn runs. A repeat by the same runner gives the same token."),
  summary: "Take the waiting turn of a run",
  body: RunStart,
  example: { leaseSeconds: 120 },
  bodyOptional: true,
  repeatable: true,
  problems: [...RUNNING, "already-running"],
});

export const listRuns = contract("listRuns", "GET /v1/runs", {
  ...paged(RunQuery, RunList, "A page; it may be short where much had to be passed over."),
  summary: "List runs, newest first",
  problems: ["forbidden", "superseded"],
});

export const getRun = contract("getRun", "GET /v1/runs/{id}", {
  ...at(RunPath, Run, "The run."),
  summary: "Get a run",
  problems: ["forbidden", "superseded", "not-found"],
});

export const getRunTree = contract("getRunTree", "GET /v1/runs/{id}/tree", {
  ...at(RunPath, RunTree, "The run with its descendants."),
  summary: "Get a run with its descendants and their usage",
  problems: ["forbidden", "superseded", "not-found"],
});

export const getRunPrompt = contract("getRunPrompt", "GET /v1/runs/{id}/prompt", {
  ...at(RunPath, RunPrompt, "Text for the model that runs it."),
  summary: "Get the text that tells a run its role and rules",
  problems: ["forbidden", "superseded", "not-found"],
});

export const getRunDiff = contract("getRunDiff", "GET /v1/runs/{id}/diff", {
  ...at(RunPath, RunDiff, "Changed files, each once."),
  summary: "Get the sum of a run's diff events",
  problems: ["forbidden", "superseded", "not-found"],
});

export const appendRunEvents = contract("appendRunEvents", "POST /v1/runs/{id}/events", {
  ...at(RunPath, EventsAppended, "Stored up to the first gap. Repeats by source and seq are ignored."),
  summary: "Append events to a run",
  description:
    "By its runner, with the header Signalbox-Run. The list may also be the body itself, or one event a line.",
  body: RunEvents,
  example: { events: [{ source: "main", seq: 0, stream: "assistant", data: { delta: "Reading the parser." } }] },
  bodyLimit: EVENTS_BYTES,
  many: { as: "events", item: RunEvent, max: MAX_EVENTS, bare: true },
  repeatable: true,
  problems: RUNNING,
});

export const renewRun = contract("renewRun", "POST /v1/runs/{id}/renew", {
  ...at(RunPath, RunRenewed, "Renewed. `stopping`: the run was asked to stop."),
  summary: "Renew the lease of a running turn",
  body: RunRenew,
  example: { leaseSeconds: 120 },
  bodyOptional: true,
  repeatable: true,
  problems: RUNNING,
});

export const finishRun = contract("finishRun", "POST /v1/runs/{id}/finish", {
  ...at(RunPath, Run, "Ended, or waiting for runs that it asked for."),
  summary: "End the running turn of a run",
  description:
    "By its runner, with the header Signalbox-Run. Without `result` the last visible assistant text of the turn is the " +
    "result. One finish after the run was lost, timed out or aborted without an answer is taken as late.",
  body: RunFinish,
  example: { outcome: "ok", result: "No regressions." },
  bodyLimit: EVENTS_BYTES,
  repeatable: true,
  problems: [...RUNNING, "required-result"],
});

export const abortRun = contract("abortRun", "POST /v1/runs/{id}/abort", {
  ...at(RunPath, RunAborted, "Asked to stop; `ended` when nothing had to be waited for."),
  summary: "Ask a run to stop",
  body: RunAbort,
  example: { reason: "No longer needed." },
  bodyOptional: true,
  repeatable: true,
  problems: ["forbidden", "superseded", "not-found"],
});

export const tellRun = contract("tellRun", "POST /v1/runs/{id}/messages", {
  ...at(RunPath, RunTold, "Accepted."),
  summary: "Say something to a run",
  description:
    "Steers the running turn where its runner can, else waits for its end; in an ended run it begins a new turn.",
  body: RunMessage,
  example: { text: "Look at the tests as well." },
  problems: [...words("forbidden superseded not-found rate-limited quota-exceeded gone idempotency-mismatch")],
});

export const listRunEvents = contract("listRunEvents", "GET /v1/runs/{id}/events", {
  ...at(RunPath, RunPartList, "Stored parts, oldest first."),
  summary: "List the stored parts of a run",
  query: RunPartQuery,
  problems: ["forbidden", "superseded", "not-found"],
});

export const followRunEvents = contract("followRunEvents", "GET /v1/runs/{id}/events/stream", {
  summary: "Follow the parts of a run",
  description: "Events: part (its id is the place to resume from by Last-Event-ID), bye. It ends with the run.",
  long: true,
  params: RunPath,
  query: RunFollowQuery,
  answers: {
    200: { description: "Server-Sent Events.", type: "text/event-stream", events: { part: RunPart, bye: PartsBye } },
  },
  problems: ["forbidden", "superseded", "not-found", "too-many-streams"],
});

export const streamRun = contract("streamRun", "GET /v1/runs/{id}/stream", {
  summary: "Follow a turn as an AI SDK UI message stream",
  description:
    "Replays the newest turn (or `turn`) from its start, goes on live, and ends with [DONE]. With live=true it answers " +
    "204 when nothing runs.",
  long: true,
  params: RunPath,
  query: RunStreamQuery,
  answers: {
    200: {
      description: "UI message chunks of the AI SDK, one per data line, then [DONE].",
      type: "text/event-stream",
      events: { message: UiChunk },
    },
    204: { description: "Nothing runs." },
  },
  problems: ["forbidden", "superseded", "not-found", "too-many-streams"],
});
