import type { z } from "zod";
import { type Answer, type Call, ok, RawJson, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { createSse } from "../../kernel/http/sse.ts";
import { Ack, Acked, Inbox as InboxAnswer, InboxQuery, StreamQuery, WatchQuery } from "../../protocol/inbox.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Lists } from "../messages/lists.ts";
import type { Parents } from "../messages/parents.ts";
import { AgentPath, storedTarget } from "../messages/routes.ts";
import type { WorkStore } from "../work/store.ts";
import type { Offers } from "./deliveries.ts";
import { INBOX_EVENTS, WATCH_EVENTS } from "./events.ts";
import type { Inbox } from "./inbox.ts";
import { createLookJson } from "./poll-json.ts";
import type { Settled } from "./settled.ts";
import type { InboxStreams } from "./stream.ts";
import type { Waits } from "./waits.ts";
import type { WatchStreams } from "./watch.ts";

export interface InboxRouteParts {
  db: Pick<Db, "read" | "write">;
  inbox: Inbox;
  streams: InboxStreams;
  watch: WatchStreams;
  lists: Lists;
  parents: Parents;
  works: WorkStore;
  settled: Settled;
  offers: Offers;
  waits: Waits;
}

type Query = z.output<typeof InboxQuery>;
type InboxCall = Call<z.output<typeof AgentPath>, Query, undefined>;

const tag = "Inbox";
const STREAM = { description: "Server-Sent Events, until one side ends it.", type: "text/event-stream" };

/** Reading an inbox: at once, with a wait, or as a stream. */
export function inboxRoutes(parts: InboxRouteParts): Route[] {
  const { db, inbox, streams, watch, waits } = parts;
  const look = createLookJson(parts);

  async function readInbox(call: InboxCall): Promise<Answer> {
    const { caller, params, query, request } = call;
    if (query.ackUpTo !== undefined) {
      const upTo = query.ackUpTo;
      await db.write((tx) => inbox.ack(tx, caller, params.id, upTo));
    }
    if (isLooking(query)) return ok(new RawJson(await db.read((on) => look.filtered(on, caller, params.id, query))));
    const answer =
      query.waitSeconds === 0 ? await look.unfiltered(caller, params.id, query) : await waitFor(call, request);
    return ok(new RawJson(answer.json));
  }

  async function waitFor({ caller, params, query }: InboxCall, request: Request) {
    return waits.forEntries({
      caller,
      agentId: params.id,
      targets: () => db.read((on) => look.targets(on, caller, params.id)),
      waitMs: query.waitSeconds * 1000,
      signal: request.signal,
      look: () => look.unfiltered(caller, params.id, query),
      found: (answer) => answer.found,
    });
  }

  return [
    route({
      method: "GET",
      path: "/v1/agents/{id}/inbox",
      operationId: "readInbox",
      summary: "Read an inbox",
      description:
        "Starts at the stored cursor, or after `after`. Reading moves nothing; `ackUpTo` acknowledges first. With kind, " +
        "topic or claimable it is for looking: there is no `next`.",
      tag,
      long: true,
      params: AgentPath,
      query: InboxQuery,
      answers: { 200: { description: "A page, oldest first.", schema: InboxAnswer } },
      problems: ["forbidden", "not-found", "gone", "superseded", "ahead-of-log"],
      run: readInbox,
    }),
    route({
      method: "POST",
      path: "/v1/agents/{id}/inbox/ack",
      operationId: "ackInbox",
      summary: "Acknowledge everything up to a place",
      tag,
      params: AgentPath,
      body: Ack,
      example: { upTo: 1 },
      answers: { 200: { description: "Where the cursor is now, and how much was never offered.", schema: Acked } },
      problems: ["forbidden", "gone", "superseded", "ahead-of-log"],
      run: async ({ caller, params, body }) => ok(await db.write((tx) => inbox.ack(tx, caller, params.id, body.upTo))),
    }),
    route({
      method: "GET",
      path: "/v1/agents/{id}/inbox/stream",
      operationId: "streamInbox",
      summary: "Follow an inbox",
      description:
        "Events: hello, message (its id is the place to resume from), open, presence, reset, bye. Starts after " +
        "Last-Event-ID (with ack=resume that also acknowledges it), else after `after`, else at the stored cursor. With " +
        "include=parent a reply carries what it replies to.",
      tag,
      long: true,
      params: AgentPath,
      query: StreamQuery,
      answers: { 200: { ...STREAM, events: INBOX_EVENTS } },
      problems: ["forbidden", "not-found", "gone", "superseded", "ahead-of-log"],
      run: async ({ caller, params, query, request, headers, peer }) => {
        const resume = lastEventId(request);
        const { ack } = query;
        if (ack && resume !== undefined) await db.write((tx) => inbox.ack(tx, caller, params.id, resume));
        const after = resume ?? query.after;
        const facts = await db.read((on) => inbox.requireInbox(on, caller, params.id, after));
        const { outlet, response } = createSse({ headers, peer });
        await streams.open(caller, facts, outlet, { after, withParents: query.include === "parent" });
        return response;
      },
    }),
    route({
      method: "GET",
      path: "/v1/messages/stream",
      operationId: "watchMessages",
      summary: "Follow everything the caller may read",
      description:
        "Events: hello, message, work (a change of state), trace, presence, bye. Starts at the head, or after `after`.",
      tag: "Messages",
      long: true,
      query: WatchQuery,
      answers: { 200: { ...STREAM, events: WATCH_EVENTS } },
      problems: ["forbidden"],
      run: async ({ caller, query, request, headers, peer }) => {
        const { after, to, ...rest } = query;
        const filter = { ...rest, to: storedTarget(to) };
        const { outlet, response } = createSse({ headers, peer });
        await watch.open(caller, filter, outlet, lastEventId(request) ?? after);
        return response;
      },
    }),
  ];
}

const isLooking = (query: Query): boolean =>
  query.kind !== undefined || query.topic !== undefined || query.claimable !== undefined;

/** @throws Problem 422 */
function lastEventId(request: Request): number | undefined {
  const given = request.headers.get("last-event-id");
  if (given === null || given === "") return undefined;
  if (!/^\d{1,15}$/.test(given)) throw Problem.invalid("Last-Event-ID", "is not a place in the log");
  return Number(given);
}
