import { type Answer, type CallOf, ok, RawJson, type Route, route } from "../../identity/auth/route.ts";
import { agentIdOf } from "../../identity/orchestrators/ids.ts";
import { createSse, lastEventId } from "../../kernel/http/sse.ts";
import * as api from "../../protocol/inbox.ts";
import { streamInbox, streamOrchestrator, watchMessages } from "../../protocol/streams.ts";
import type { Areas } from "../core.ts";
import { storedTarget } from "../messages/routes.ts";
import { createLookJson } from "./poll-json.ts";

type InboxCall = CallOf<typeof api.readInbox>;

/** Reading an inbox: at once, with a wait, or as a stream. */
export function inboxRoutes({ kernel, core }: Areas): Route[] {
  const { db } = kernel;
  const { inbox, streams, fleets, watch, waits } = core.inbox;
  const look = createLookJson({ kernel, core });

  async function readInbox(call: InboxCall): Promise<Answer> {
    const { caller, params, query, request } = call;
    if (query.ackUpTo !== undefined) {
      const upTo = query.ackUpTo;
      await db.write((tx) => inbox.ack(tx, caller, params.id, upTo));
    }
    const read = isLooking(query)
      ? lookFrom(caller, params.id, query)
      : () => look.unfiltered(caller, params.id, query);
    const answer = query.waitSeconds === 0 ? await read() : await waitFor(call, request, read);
    return ok(new RawJson(answer.json));
  }

  /** Looks again and again: entries that did not pass once are not looked at again, but work may open anew at any place. */
  function lookFrom(caller: InboxCall["caller"], agentId: string, query: InboxCall["query"]) {
    let after = query.after;
    return async () => {
      const answer = await look.filtered(caller, agentId, { ...query, after });
      if (!query.claimable) after = answer.upTo;
      return answer;
    };
  }

  async function waitFor(
    { caller, params, query }: InboxCall,
    request: Request,
    read: () => Promise<{ json: string; found: boolean }>,
  ) {
    return waits.forEntries({
      caller,
      agentId: params.id,
      targets: () => db.read((on) => look.targets(on, caller, params.id)),
      waitMs: query.waitSeconds * 1000,
      signal: request.signal,
      look: read,
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
    route(streamOrchestrator, async ({ caller, params, query, request, headers, peer }) => {
      const after = lastEventId(request) ?? query.after;
      const facts = await db.read((on) => inbox.requireInbox(on, caller, agentIdOf(params.id), after));
      const { outlet, response } = createSse({ headers, peer });
      await fleets.open(caller, facts, outlet, after);
      return response;
    }),
    route(watchMessages, async ({ caller, query, request, headers, peer }) => {
      const { after, to, session, ...rest } = query;
      const filter = { ...rest, to: storedTarget(to) };
      const { outlet, response } = createSse({ headers, peer });
      await watch.open(caller, { filter, session }, outlet, lastEventId(request) ?? after);
      return response;
    }),
  ];
}

const isLooking = (query: InboxCall["query"]): boolean =>
  query.kind !== undefined || query.topic !== undefined || query.claimable !== undefined;
