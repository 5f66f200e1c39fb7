import type { Areas } from "../../core/core.ts";
import { actingAs, type Caller, signedBy } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { fitting, jsonBytes, PAGE_BYTES } from "../../kernel/pages.ts";
import { MAX_ALL_TRACE_BYTES, MAX_ALL_TRACES, MAX_TRACE_BYTES, MAX_TRACES } from "../../protocol/limits.ts";
import { Problem } from "../../protocol/problem.ts";
import type { TraceDraft } from "../../protocol/traces.ts";
import { type Encoding, toTime } from "../../protocol/wire.ts";
import type { TraceHead, TraceRow, TraceStore } from "./store.ts";

/** Filter of a message's traces. */
export interface TraceFilter {
  level: number;
  type?: string | undefined;
  agent?: string | undefined;
}

export type TraceService = ReturnType<typeof createTraceService>;

/** Traces: thoughts and acts of agents that belong to a message. */
export function createTraceService({ kernel, identity, core }: Areas, store: TraceStore) {
  const { clock, hooks, idempotency } = kernel;
  const { agents } = identity;
  const { messages } = core;
  const { deliveries } = core.inbox;
  const added = hooks.event<[messageId: number, rows: readonly TraceRow[]]>("traces.added");

  /** Agent that adds traces: it may read the message, and acts in its own name. */
  async function requireTracer(tx: Tx, caller: Caller, messageId: number, agentId: string | undefined) {
    const actor = actingAs(caller, agentId);
    const facts = await agents.requireActor(tx, caller, actor);
    const message = await messages.access.requireReadable(tx, caller, messageId);
    if (actor !== "user" && !(await messages.access.mayRead(tx, actor, message)))
      throw new Problem("forbidden", `Message ${messageId} is not for ${actor}.`);
    if (facts.kind === "system") throw new Problem("forbidden", "The relay itself thinks nothing.");
    // An agent that traces a message has seen it.
    await deliveries.noteSeen(tx, caller, [{ id: messageId, from: message.fromId, target: message.target }]);
    return actor;
  }

  async function append(
    tx: Tx,
    by: Pick<TraceRow, "agentId" | "via" | "person">,
    messageId: number,
    drafts: TraceDraft[],
  ) {
    let { number, bytesSoFar } = await store.last(tx, messageId);
    const own = await store.countOf(tx, messageId, by.agentId);
    const before = bytesSoFar;
    const createdAt = clock.now();
    const rows = drafts.map(({ level, type, content, encoding, metadata }) => {
      const json = metadata ? JSON.stringify(metadata) : null;
      const bytes = Buffer.byteLength(content) + (json ? Buffer.byteLength(json) : 0);
      number += 1;
      bytesSoFar += bytes;
      return {
        ...by,
        messageId,
        number,
        level,
        type,
        content,
        opaque: encoding === "opaque",
        metadata: json,
        createdAt,
        bytes,
        bytesSoFar,
      };
    });
    if (own.traces + rows.length > MAX_TRACES || own.bytes + bytesSoFar - before > MAX_TRACE_BYTES)
      throw new Problem(
        "conflict",
        `Message ${messageId} keeps ${MAX_TRACES} traces and ${MAX_TRACE_BYTES} bytes of them of each agent, no more.`,
      );
    if (number > MAX_ALL_TRACES || bytesSoFar > MAX_ALL_TRACE_BYTES)
      throw new Problem(
        "conflict",
        `Message ${messageId} keeps ${MAX_ALL_TRACES} traces and ${MAX_ALL_TRACE_BYTES} bytes of them, no more.`,
      );
    const stored = await store.add(tx, rows);
    await added.raise(tx, messageId, stored);
    return stored;
  }

  return {
    /** `POST /v1/messages/{id}/traces`. @throws Problem 403, 404, 409, 422 */
    async add(
      tx: Tx,
      caller: Caller,
      messageId: number,
      drafts: TraceDraft[],
      { agentId, key }: { agentId?: string | undefined; key?: string | undefined } = {},
    ): Promise<{ made: TraceRow[]; replayed: boolean }> {
      const sender = actingAs(caller, agentId);
      return idempotency.once(tx, {
        ...{ sender, key, operation: "addTraces", asked: [messageId, drafts] },
        async make() {
          await requireTracer(tx, caller, messageId, agentId);
          const made = await append(tx, { agentId: sender, ...signedBy(caller, sender) }, messageId, drafts);
          return { subject: `${messageId}/${made[0]?.number}/${made.at(-1)?.number}`, made };
        },
        async again(subject) {
          const [id = 0, first = 0, last = 0] = subject.split("/").map(Number);
          const rows = await store.between(tx, id, first, last);
          return rows.length > 0 ? rows : undefined;
        },
      });
    },

    /** Leaves traces of a run in its agent's name: as many as its message has room for. */
    async leave(tx: Tx, agentId: string, messageId: number, drafts: readonly TraceDraft[]): Promise<void> {
      if (!(await messages.rows.lineage(tx, messageId))) return;
      const all = await store.last(tx, messageId);
      const own = await store.countOf(tx, messageId, agentId);
      let rows = Math.min(MAX_TRACES - own.traces, MAX_ALL_TRACES - all.number);
      let bytes = Math.min(MAX_TRACE_BYTES - own.bytes, MAX_ALL_TRACE_BYTES - all.bytesSoFar);
      const kept = drafts.filter(({ content, metadata }) => {
        bytes -= Buffer.byteLength(content) + (metadata ? Buffer.byteLength(JSON.stringify(metadata)) : 0);
        return rows-- > 0 && bytes >= 0;
      });
      if (kept.length > 0) await append(tx, { agentId, via: null, person: null }, messageId, kept);
    },

    /** `GET /v1/messages/{id}/traces`, oldest first, as JSON: after one of them, by its number. @throws Problem 403, 404 */
    async list(on: ReadTx, caller: Caller, messageId: number, filter: TraceFilter, after: number, limit: number) {
      await messages.access.requireReadable(on, caller, messageId);
      const heads = await store.heads(on, messageId, after, MAX_ALL_TRACES);
      const chosen = choose(heads, filter, limit, PAGE_BYTES);
      const rows = await store.rows(on, chosen.ids);
      const items = fitting(rows.map(traceJson), jsonBytes);
      return { items, next: items.length < rows.length ? (rows[items.length - 1]?.number ?? null) : chosen.next };
    },

    added,
  };
}

/** Chooses wanted heads in order, up to a number and a size. `next` is the last one chosen when more follow. */
export function choose(heads: readonly TraceHead[], filter: TraceFilter, limit: number, maxBytes: number) {
  const ids: number[] = [];
  let bytes = 0;
  let last = 0;
  for (const head of heads) {
    if (!isWanted(head, filter)) continue;
    if (ids.length === limit || (ids.length > 0 && bytes + head.bytes > maxBytes)) return { ids, bytes, next: last };
    ids.push(head.id);
    bytes += head.bytes;
    last = head.number;
  }
  return { ids, bytes, next: null };
}

const isWanted = (head: TraceHead, { level, type, agent }: TraceFilter): boolean =>
  head.level <= level && (type === undefined || head.type === type) && (agent === undefined || head.agentId === agent);

/** JSON of a trace, around the stored metadata. */
export function traceJson(row: TraceRow): string {
  const { id, messageId, number, agentId, via, person, level, type, content, createdAt } = row;
  const encoding: Encoding = row.opaque ? "opaque" : "plain";
  const shown = {
    id,
    messageId,
    number,
    agentId,
    via,
    person,
    level,
    type,
    content,
    encoding,
    createdAt: toTime(createdAt),
  };
  return `${JSON.stringify(shown).slice(0, -1)},"metadata":${row.metadata}}`;
}
