import type { Tx } from "../../kernel/db/database.ts";
import type { DueSource } from "../../kernel/due/source.ts";
import type { Enrolled } from "../auth/enrolled.ts";
import type { Base } from "../base.ts";
import type { Change, RosterEntry } from "./roster.ts";

/** Keeper of the agents of one kind, which knows their presence better than their status. */
export interface Keeper {
  /** Whether an agent is here, even if shown as offline. Undefined: by its status. */
  isHere(agentId: string): boolean | undefined;
  /** Called in the write that finds an agent gone or back. Answers the status to show. */
  moved(tx: Tx, agentId: string, status: "online" | "offline"): Promise<"online" | "offline">;
}

/** Keepers by the kind of their agents. */
type Keepers = Partial<Record<RosterEntry["kind"], Keeper>>;

/** Interval of saving last-seen times: the most that a crash loses. A start gives every agent a whole TTL. */
const SAVE_EVERY_MS = 5000;
const SAVE_SLICE = 200;

/** Last-seen times of agents, and the reaper of silent ones. */
export function createPresence(
  { kernel, directory, roster, rows }: Base,
  { keepers, ttlMs, enrolled }: { keepers: Keepers; ttlMs: number; enrolled: Enrolled },
) {
  const { db, due, clock, connections } = kernel;
  const { agents: store } = rows;
  let resumedAt = clock.now();
  let cancelTimer: () => void = () => undefined;

  const isHere = (entry: RosterEntry) => keepers[entry.kind]?.isHere(entry.id) ?? entry.status !== "offline";
  const mayBeReaped = (entry: RosterEntry) =>
    entry.kind !== "user" && entry.kind !== "system" && !roster.elsewhere.has(entry.id) && isHere(entry);
  /** The relay's own absence does not count as silence. */
  const silentSince = (entry: RosterEntry) => Math.max(entry.lastSeenAt, resumedAt);

  const reaper: DueSource = {
    name: "presence",
    async next() {
      let next: number | null = null;
      for (const entry of roster.values())
        if (mayBeReaped(entry)) next = Math.min(next ?? Number.POSITIVE_INFINITY, silentSince(entry) + ttlMs + 1);
      return next;
    },
    async take(tx, now, limit) {
      const gone = [...roster.values()].filter((entry) => mayBeReaped(entry) && silentSince(entry) + ttlMs < now);
      for (const entry of gone.slice(0, limit)) await setStatus(tx, entry.id, "offline");
      return Math.min(gone.length, limit);
    },
  };
  async function setStatus(tx: Tx, id: string, found: "online" | "offline"): Promise<void> {
    const row = await directory.byId(tx, id);
    if (!row || row.deletedAt !== null) return;
    const status = (await keepers[row.kind]?.moved(tx, id, found)) ?? found;
    if (row.status === status) return;
    await store.setStatus(tx, id, status);
    tx.afterCommit(() => roster.put({ ...row, status }));
  }

  async function save(): Promise<void> {
    const unsaved = [...roster.values()].filter((entry) => entry.unsaved);
    for (let i = 0; i < unsaved.length; i += SAVE_SLICE) {
      const slice = unsaved.slice(i, i + SAVE_SLICE);
      for (const entry of slice) entry.unsaved = false;
      await db.background(async (tx) => {
        for (const entry of slice) await store.touch(tx, entry.id, entry.lastSeenAt);
      });
    }
  }

  function saveLater(onError: (error: unknown) => void): void {
    cancelTimer = clock.after(SAVE_EVERY_MS, () => {
      save()
        .catch(onError)
        .finally(() => saveLater(onError));
    });
  }

  function note(id: string): void {
    const entry = roster.get(id);
    if (!entry) return;
    entry.lastSeenAt = clock.now();
    entry.unsaved = true;
    if (!isHere(entry)) db.write((tx) => setStatus(tx, id, "online")).catch(() => undefined);
  }

  return {
    /** Notes a call of an agent, and of those whose mail an orchestrator takes. An offline one is online again. */
    touch(id: string): void {
      note(id);
      for (const agentId of enrolled.of(id)) if (connections.count(agentId) > 0) note(agentId);
    },
    /** After an absence of the relay every agent has a whole TTL to be heard of. */
    async giveGrace(_tx: Tx, now: number): Promise<void> {
      resumedAt = now;
      // The clock was set back: agents heard of in the future would be there until then.
      for (const entry of roster.values()) {
        if (entry.lastSeenAt <= now) continue;
        entry.lastSeenAt = now;
        entry.unsaved = true;
      }
    },
    /** The timer may sleep longer than an agent may be silent: it hears of each that appears or comes back. */
    watch({ agentId }: Change): void {
      const entry = roster.get(agentId);
      if (entry && mayBeReaped(entry)) due.notice(silentSince(entry) + ttlMs + 1);
    },
    sources: [reaper],
    start: saveLater,
    async stop(): Promise<void> {
      cancelTimer();
      await save();
    },
  };
}
