import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { contracts, paged } from "./contract.ts";
import { FacetQuery } from "./facets.ts";
import { OrchestratorId } from "./orchestrators.ts";
import { SESSION_STATES, SessionChange, SessionId } from "./sessions.ts";
import { NAMED, named, namedEnum, object, strictObject } from "./shape.ts";
import { listOf, PageQuery, Time, TimeInput } from "./wire.ts";

export const TrackState = namedEnum(
  "TrackState",
  "As of a session. waiting: it is idle, and a run of it waits for runs that it asked for.",
  [...SESSION_STATES, "waiting"],
);
export type TrackState = z.infer<typeof TrackState>;

const Stretch = object(() => ({ state: TrackState, since: Time.describe("Of the first it may be before `from`.") }));
export type TrackStretch = z.infer<typeof Stretch>;

export const SessionTrack = named("SessionTrack", "A session, and its states over a time.", () => ({
  ...SessionChange.shape,
  startedAt: Time,
  states: z.array(Stretch).describe("Oldest first. Each lasts until the next one, the last until `to`."),
}));
export type SessionTrack = z.infer<typeof SessionTrack>;
const SessionTrackList = listOf(SessionTrack).register(NAMED, { id: "SessionTrackList" });

export const SessionTrackQuery = strictObject(() => ({
  agent: AgentId.optional(),
  orchestrator: OrchestratorId.optional(),
  live: z.enum(["true", "false"]).optional().describe("true: without dead ones; false: those alone."),
  ...FacetQuery,
  from: TimeInput.optional().describe("Left out: an hour before `to`. Changes are kept for 24 hours."),
  to: TimeInput.optional().describe("Left out: now."),
  ...PageQuery,
  page: SessionId.optional(),
}));
export type SessionTrackQuery = z.input<typeof SessionTrackQuery>;

export const listSessionTracks = contracts("Sessions")("listSessionTracks", "GET /v1/sessions/states", {
  ...paged(SessionTrackQuery, SessionTrackList, "A page, newest sessions first."),
  summary: "List the states of sessions over a time",
  description: "Of sessions that are live, and of those that ended after `from`; of none that began after `to`.",
  problems: ["forbidden", "superseded"],
});
