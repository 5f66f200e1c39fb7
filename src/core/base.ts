import { isGroup } from "../identity/agents/target.ts";
import type { Identity } from "../identity/identity.ts";
import { MINUTE_MS } from "../kernel/clock.ts";
import type { ReadTx, Tx } from "../kernel/db/database.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { KeyTail } from "../kernel/log/key-tail.ts";
import { createLog } from "../kernel/log/log.ts";
import { createFacetStore } from "./facets/store.ts";
import { createInboxStore } from "./inbox/store.ts";
import { createByTarget } from "./messages/by-target.ts";
import type { NameBook } from "./messages/draft.ts";
import type { LogEntry } from "./messages/entry.ts";
import { createGroupPosts } from "./messages/group-posts.ts";
import type { Judge } from "./messages/judge.ts";
import { createMerges } from "./messages/merges.ts";
import type { QuotaLimits } from "./messages/quotas.ts";
import type { Candidate, Lineage } from "./messages/row.ts";
import { createMessageStore } from "./messages/store.ts";
import { createScheduledStore } from "./messages/store-delayed.ts";
import { createEntryStore } from "./messages/store-entries.ts";
import { createLinkStore } from "./messages/store-links.ts";
import { createThreadStore } from "./threads/store.ts";
import type { Budgets } from "./trees/trees.ts";
import { createWorkStore } from "./work/store.ts";

export interface CoreOptions {
  /** Rule against agents that answer each other without end. */
  judge: Judge;
  /** Names of channels, for `@name`. */
  names: NameBook;
  retentionDays: number;
  /** Time for which mail counts as the cause of its reader's messages. */
  loopWindowMs: number;
  quotas: QuotaLimits;
  budgets: Budgets;
}

/** The ground that every room of the core stands on. */
export type Base = Awaited<ReturnType<typeof createBase>>;

/** Prepares the stores of the core, and the log of messages from its newest place on. */
export async function createBase(kernel: Kernel, identity: Identity, options: CoreOptions) {
  const { db, headOf } = kernel;
  const entries = createEntryStore(db);
  const tail = new KeyTail(await db.read(async (on) => entries.mark(on)), db.snapshots);
  const threads = createThreadStore(db);
  const merges = createMerges(kernel, { entries, threads }, tail);
  await merges.load();
  const byTarget = createByTarget(kernel, identity.directory, entries, tail);
  const groupPosts = createGroupPosts(kernel.clock, MINUTE_MS);
  function appended(tx: Tx, { id, fromId, target }: Candidate): void {
    if (isGroup(target)) groupPosts.note(fromId);
    const stub = { id, from: fromId };
    kernel.headMoved(id);
    tail.append(db.transactions(), target, stub);
    tx.atOnce(() => tail.commit(target, stub));
  }
  const head = await db.read(async (on) => headOf(on));
  const log = createLog<LogEntry>(head);
  const messages = createMessageStore(appended, byTarget);
  return {
    kernel,
    identity,
    options,
    log,
    byTarget,
    groupPosts,
    merges,
    /** Lineage of a message. An entry never changes, so the tail's copy is as good as the row. */
    lineage: async (on: ReadTx, id: number): Promise<Lineage | undefined> =>
      log.entry(id)?.lineage ?? messages.lineage(on, id),
    rows: {
      messages,
      entries,
      links: createLinkStore(byTarget),
      delayed: createScheduledStore(db),
      threads,
      facets: createFacetStore(),
      work: createWorkStore(db, head),
      inbox: createInboxStore(db, identity.directory),
    },
  };
}
