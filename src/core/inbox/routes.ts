import { type Answer, type CallOf, ok, RawJson, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { createSse } from "../../kernel/http/sse.ts";
import * as api from "../../protocol/inbox.ts";
import { Problem } from "../../protocol/problem.ts";
import { streamInbox, watchMessages } from "../../protocol/streams.ts";
import type { Lists } from "../messages/lists.ts";
import type { Parents } from "../messages/parents.ts";
import { storedTarget } from "../messages/routes.ts";
import type { WorkStore } from "../work/store.ts";
import type { Offers } from "./deliveries.ts";
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

type InboxCall = CallOf<typeof api.readInbox>;

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
    route(api.readInbox, readInbox),
    route(api.ackInbox, async ({ caller, params, body }) =>
      ok(await db.write((tx) => inbox.ack(tx, caller, params.id, body.upTo))),
    ),
    route(streamInbox, async ({ caller, params, query, request, headers, peer }) => {
      const resume = lastEventId(request);
      const { ack } = query;
      if (ack && resume !== undefined) await db.write((tx) => inbox.ack(tx, caller, params.id, resume));
      const after = resume ?? query.after;
      const facts = await db.read((on) => inbox.requireInbox(on, caller, params.id, after));
      const { outlet, response } = createSse({ headers, peer });
      await streams.open(caller, facts, outlet, { after, withParents: query.include === "parent" });
      return response;
    }),
    route(watchMessages, async ({ caller, query, request, headers, peer }) => {
      const { after, to, ...rest } = query;
      const filter = { ...rest, to: storedTarget(to) };
      const { outlet, response } = createSse({ headers, peer });
      await watch.open(caller, filter, outlet, lastEventId(request) ?? after);
      return response;
    }),
  ];
}

const isLooking = (query: InboxCall["query"]): boolean =>
  query.kind !== undefined || query.topic !== undefined || query.claimable !== undefined;

/** @throws Problem 422 */
function lastEventId(request: Request): number | undefined {
  const given = request.headers.get("last-event-id");
  if (given === null || given === "") return undefined;
  if (!/^\d{1,15}$/.test(given)) throw Problem.invalid("Last-Event-ID", "is not a place in the log");
  return Number(given);
}
