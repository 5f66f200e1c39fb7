import type { Areas } from "../../core/core.ts";
import { type Caller, isPerson, readsAll } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { ATTENTION_KINDS, type Attention, type AttentionKind } from "../../protocol/attention.ts";
import { Problem } from "../../protocol/problem.ts";
import { fromTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { ApprovalCards } from "../approvals/approvals.ts";
import { createNeeds, type Need, type Sources } from "./needs.ts";
import { type NoteRow, noteStore } from "./store.ts";

const MAX_ITEMS = 500;

interface Query {
  kind?: AttentionKind | undefined;
  project?: string | undefined;
  snoozed: "true" | "false";
}

export type AttentionService = ReturnType<typeof createAttentionService>;

/** Things that wait for a person, over everything. */
export function createAttentionService(areas: Areas & Sources & { cards: ApprovalCards }) {
  const { kernel, identity, core, cards } = areas;
  const { clock } = kernel;
  const needs = createNeeds(areas);

  const shown = (need: Need, note: NoteRow | undefined): Attention => ({
    ...need,
    ...{ takenBy: note?.takenBy ?? null, takenAt: toTimeOrNull(note?.takenAt ?? null) },
    ...{ handedTo: note?.handedTo ?? null, snoozedUntil: toTimeOrNull(note?.snoozedUntil ?? null) },
  });

  /** @throws Problem 404 */
  async function require(on: ReadTx, id: string): Promise<{ need: Need; note: NoteRow }> {
    const kind = ATTENTION_KINDS.find((one) => id.startsWith(`${one}:`));
    const need = kind && (await needs.one(on, kind, id.slice(kind.length + 1)));
    if (!need)
      throw new Problem("not-found", `Nothing waits under ${id}: it may be over. Read GET /v1/attention again.`);
    const note = (await noteStore.byIds(on, [id])).get(id) ?? { id, ...NO_NOTE };
    return { need, note };
  }

  async function change(tx: Tx, caller: Caller, id: string, to: Partial<NoteRow>): Promise<Attention> {
    requirePerson(caller);
    const { need, note } = await require(tx, id);
    const row = { ...note, ...to, changedAt: clock.now() };
    await noteStore.put(tx, row);
    const item = shown(need, row);
    tx.afterCommit(() => core.inbox.watch.toAll("attention", () => JSON.stringify({ id, takenBy: row.takenBy })));
    return item;
  }

  return {
    /** `GET /v1/attention`. @throws Problem 403 */
    async list(on: ReadTx, caller: Caller, { kind, project, snoozed }: Query) {
      if (!readsAll(caller)) throw new Problem("forbidden", "Only people read what waits for people.");
      const { needs: all, isCut } = await needs.of(on, kind, project);
      const notes = await noteStore.byIds(
        on,
        all.map(({ id }) => id),
      );
      const now = clock.now();
      const items = all
        .filter(({ subject }) => project === undefined || subject.project === project)
        .filter(({ id }) => snoozed === "true" || (notes.get(id)?.snoozedUntil ?? 0) <= now)
        .map((need) => shown(need, notes.get(need.id)))
        .sort(byUrgency);
      return { items: items.slice(0, MAX_ITEMS), more: isCut || items.length > MAX_ITEMS };
    },

    /** Number of things that wait in each project, without those that are snoozed. */
    async countByProject(on: ReadTx): Promise<Map<string, number>> {
      const found = await needs.inProjects(on);
      const notes = await noteStore.byIds(
        on,
        found.map(({ id }) => id),
      );
      const counts = new Map<string, number>();
      for (const { id, subject } of found)
        if (subject.project !== null && (notes.get(id)?.snoozedUntil ?? 0) <= clock.now())
          counts.set(subject.project, (counts.get(subject.project) ?? 0) + 1);
      return counts;
    },

    /** `POST .../take`: the caller's person sees to it, or nobody any more. @throws Problem 403, 404 */
    take: (tx: Tx, caller: Caller, id: string, release: boolean): Promise<Attention> =>
      change(tx, caller, id, {
        ...{ takenBy: release ? null : (caller.personId ?? "user"), takenAt: release ? null : clock.now() },
        handedTo: null,
      }),

    /** `POST .../snooze`. @throws Problem 403, 404 */
    snooze: (tx: Tx, caller: Caller, id: string, until: string | null): Promise<Attention> =>
      change(tx, caller, id, { snoozedUntil: until === null ? null : fromTime(until) }),

    /** `POST .../hand`: another person sees to it, and is told in a chat of theirs. @throws Problem 403, 404, 422 */
    async hand(tx: Tx, caller: Caller, id: string, personId: string): Promise<Attention> {
      requirePerson(caller);
      if (!(await identity.people.live(tx, personId)))
        throw Problem.invalid("/personId", `there is no person ${personId}`);
      const item = await change(tx, caller, id, { handedTo: personId, takenBy: personId, takenAt: clock.now() });
      const by = caller.personId ?? "the operator";
      await cards.tell(tx, personId, `${by} hands this to you: ${item.subject.title}. ${item.reason}`);
      return item;
    },
  };
}

/** @throws Problem 403 */
function requirePerson(caller: Caller): void {
  if (!isPerson(caller)) throw new Problem("forbidden", "Operators and members alone see to what waits.");
}

const NO_NOTE = { takenBy: null, takenAt: null, handedTo: null, snoozedUntil: null, changedAt: 0 };

/** Most held up first, then the oldest. */
const byUrgency = (one: Attention, other: Attention): number =>
  other.holdsUp.length - one.holdsUp.length || (one.since < other.since ? -1 : one.since > other.since ? 1 : 0);
