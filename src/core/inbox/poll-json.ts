import type { z } from "zod";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { InboxQuery } from "../../protocol/inbox.ts";
import type { Areas } from "../core.ts";
import { type LogEntry, messageJson } from "../messages/entry.ts";
import type { WorkRow } from "../work/row.ts";

type Query = z.output<typeof InboxQuery>;

/** One poll of an inbox, as JSON. */
export function createLookJson({ kernel, core }: Pick<Areas, "kernel" | "core">) {
  const { db } = kernel;
  const { inbox, polls, deliveries, settled: settling } = core.inbox;
  const { lists, parents } = core.messages;

  async function itemsJson(
    on: ReadTx,
    caller: Caller,
    agentId: string,
    entries: readonly LogEntry[],
    states: Map<number, WorkRow>,
    settled: ReadonlySet<number>,
    withParent: boolean,
  ) {
    const found = await parents.shownTo(on, caller, agentId, withParent ? entries : []);
    return entries.map((entry) => {
      const parent = found.get(entry.id);
      const more = `${parent ? `,"parent":${parent}` : ""}${settled.has(entry.id) ? SETTLED : ""}`;
      return messageJson(entry, states.get(entry.id), more);
    });
  }

  return {
    targets: polls.targets,

    async unfiltered(caller: Caller, agentId: string, query: Query): Promise<{ json: string; found: boolean }> {
      const answer = await db.read(async (on) => {
        const looked = await polls.at(on, caller, agentId, query.after, query.limit);
        const { page, states, settled, next, cursor, open } = looked;
        const items = await itemsJson(on, caller, agentId, page.entries, states, settled, query.include === "parent");
        const reset = page.reset ? `,"reset":${JSON.stringify(page.reset)}` : "";
        const json =
          `{"items":[${items.join(",")}],"next":${next},"cursor":${cursor},"head":${page.head},` +
          `"more":${page.more},"open":${open}${reset}}`;
        return { json, looked };
      });
      const { after, page, found } = answer.looked;
      const handed = {
        entries: page.entries.length,
        oldestAt: page.entries[0]?.lineage.createdAt,
        by: "poll",
      } as const;
      if (found) polls.offered(caller, agentId, { after, upTo: page.upTo, ...handed });
      return { json: answer.json, found };
    },

    /**
     * A filtered page. The entries between are not shown, so no ack can follow from it. Open work is looked for from the
     * beginning, unless the query says a place.
     */
    async filtered(
      caller: Caller,
      agentId: string,
      query: Query,
    ): Promise<{ json: string; found: boolean; upTo: number }> {
      return db.read(async (on) => {
        const facts = await inbox.requireInbox(on, caller, agentId, query.after);
        const glance = await inbox.glance(on, agentId);
        const after = query.after ?? (query.claimable ? 0 : facts.cursor);
        const { items, upTo, more } = await inbox.look(on, agentId, query, after);
        const found = await lists.withWork(on, items);
        const states = new Map(found.flatMap(({ entry, work }) => (work ? [[entry.id, work] as const] : [])));
        const entries = found.map(({ entry }) => entry);
        if (caller.agentId === agentId) await deliveries.noteSeen(on, caller, entries);
        const settled = await settling.among(on, agentId, entries, states);
        const shown = await itemsJson(on, caller, agentId, entries, states, settled, query.include === "parent");
        const json =
          `{"items":[${shown.join(",")}],"lookAfter":${upTo},"cursor":${facts.cursor},"head":${glance.head},` +
          `"more":${more},"open":${glance.isOpen}}`;
        return { json, found: items.length > 0 || more, upTo };
      });
    },
  };
}

const SETTLED = `,"settled":true`;
