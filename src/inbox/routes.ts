import type { z } from "zod";
import type { Caller } from "../auth/caller.ts";
import type { Db, Reading } from "../db/database.ts";
import { type Answer, type Call, ok, RawJson, type Route, route } from "../http/call.ts";
import { createSse } from "../http/sse.ts";
import type { LogEntry } from "../log/tail.ts";
import { messageJson } from "../messages/entry.ts";
import type { Lists } from "../messages/lists.ts";
import type { Offers } from "../messages/offers.ts";
import type { Readers } from "../messages/readers.ts";
import { AgentPath, storedTarget } from "../messages/routes.ts";
import type { WorkRow, WorkStore } from "../messages/store-work.ts";
import type { Waits } from "../messages/waits.ts";
import { Problem } from "../problem.ts";
import { INBOX_EVENTS, WATCH_EVENTS } from "./events.ts";
import type { Inbox } from "./inbox.ts";
import { Ack, Acked, Inbox as InboxAnswer, InboxQuery, StreamQuery, WatchQuery } from "./schema.ts";
import type { InboxStreams } from "./stream.ts";
import type { WatchStreams } from "./watch.ts";

export interface InboxRouteParts {
  db: Pick<Db, "read" | "write">;
  inbox: Inbox;
  streams: InboxStreams;
  watch: WatchStreams;
  lists: Lists;
  readers: Readers;
  works: WorkStore;
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
  const look = createLook(parts);

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
      answers: { 200: { description: "Where the cursor is now, and how much was never offered.", schema: Acked } },
      problems: ["forbidden", "superseded", "ahead-of-log"],
      run: async ({ caller, params, body }) => ok(await db.write((tx) => inbox.ack(tx, caller, params.id, body.upTo))),
    }),
    route({
      method: "GET",
      path: "/v1/agents/{id}/inbox/stream",
      operationId: "streamInbox",
      summary: "Follow an inbox",
      description:
        "Events: hello, message (its id is the place to resume from), open, presence, reset, bye. Starts after " +
        "Last-Event-ID (with ack=resume that also acknowledges it), else after `after`, else at the stored cursor.",
      tag,
      long: true,
      params: AgentPath,
      query: StreamQuery,
      answers: { 200: { ...STREAM, events: INBOX_EVENTS } },
      problems: ["forbidden", "not-found", "gone", "superseded", "ahead-of-log", "too-many-streams"],
      run: async ({ caller, params, query, request, headers }) => {
        const resume = lastEventId(request);
        const { ack } = query;
        if (ack && resume !== undefined) await db.write((tx) => inbox.ack(tx, caller, params.id, resume));
        const after = resume ?? query.after;
        const facts = await db.read((on) => inbox.requireInbox(on, caller, params.id, after));
        const { outlet, response } = createSse(headers);
        await streams.open(caller, facts, outlet, after);
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
      problems: ["forbidden", "too-many-streams"],
      run: async ({ caller, query, request, headers }) => {
        const { after, to, ...rest } = query;
        const filter = { ...rest, to: storedTarget(to) };
        const { outlet, response } = createSse(headers);
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

/** One look into an inbox, as JSON. */
function createLook({ db, inbox, lists, readers, works, offers }: InboxRouteParts) {
  async function itemsJson(on: Reading, agentId: string, entries: readonly LogEntry[], withParent: boolean) {
    const claimable = entries.filter((entry) => entry.claimable).map((entry) => entry.id);
    const states: Map<number, WorkRow> = await works.byIds(on, claimable);
    const replies = withParent ? entries.map(({ id, json }) => ({ id, replyTo: replyToOf(json) })) : [];
    const parents = await readers.parentsOf(on, agentId, replies);
    return entries.map((entry) => {
      const parent = parents.get(entry.id);
      return messageJson(entry, states.get(entry.id), parent ? `,"parent":${parent}` : "");
    });
  }

  return {
    targets: async (on: Reading, caller: Caller, agentId: string): Promise<string[]> => {
      await inbox.requireInbox(on, caller, agentId);
      return (await inbox.page(on, agentId, Number.MAX_SAFE_INTEGER, 1)).targetsNow;
    },

    async unfiltered(caller: Caller, agentId: string, query: Query): Promise<{ json: string; found: boolean }> {
      const answer = await db.read(async (on) => {
        const facts = await inbox.requireInbox(on, caller, agentId, query.after);
        const after = query.after ?? facts.cursor;
        const page = await inbox.page(on, agentId, after, query.limit);
        const items = await itemsJson(on, agentId, page.entries, query.include === "parent");
        const open = await inbox.hasOpen(on, page.targetsNow);
        const reset = page.reset ? `,"reset":${JSON.stringify(page.reset)}` : "";
        const next = Math.max(after, page.upTo);
        const json =
          `{"items":[${items.join(",")}],"next":${next},"cursor":${facts.cursor},"head":${page.head},` +
          `"more":${page.more},"open":${open}${reset}}`;
        return {
          json,
          found: items.length > 0 || page.reset !== undefined,
          after,
          upTo: page.upTo,
          entries: items.length,
        };
      });
      // Answering is handing over: the client may have left, so this is "offered", no more.
      if (answer.found && caller.agentId === agentId) {
        const connection = `poll:${agentId}:${caller.instanceId ?? ""}`;
        offers.note(
          { agentId, instanceId: caller.instanceId, connection, transport: "poll" },
          answer.after,
          answer.upTo,
          answer.entries,
        );
      }
      return answer;
    },

    /** For looking: nothing of it can be acknowledged, for what lies between is not shown. */
    async filtered(on: Reading, caller: Caller, agentId: string, query: Query): Promise<string> {
      const facts = await inbox.requireInbox(on, caller, agentId);
      const glance = await inbox.glance(on, agentId);
      const { items, more } = await inbox.look(on, agentId, query, query.after ?? facts.cursor);
      const found = await lists.withWork(on, items);
      const json = found.map(({ entry, work }) => messageJson(entry, work));
      return `{"items":[${json.join(",")}],"cursor":${facts.cursor},"head":${glance.head},"more":${more},"open":${glance.isOpen}}`;
    },
  };
}

/** The one member of an entry's JSON that is needed here; it stands after the body, so the text is parsed. */
const replyToOf = (json: string): number | null => (JSON.parse(json) as { replyTo: number | null }).replyTo;
