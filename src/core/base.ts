import type { Identity } from "../identity/identity.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { createLog } from "../kernel/log/log.ts";
import { createInboxStore } from "./inbox/store.ts";
import type { NameBook } from "./messages/draft.ts";
import type { LogEntry } from "./messages/entry.ts";
import type { Judge } from "./messages/judge.ts";
import type { QuotaLimits } from "./messages/quotas.ts";
import { createMessageStore } from "./messages/store.ts";
import { createScheduledStore } from "./messages/store-delayed.ts";
import { createLinkStore } from "./messages/store-links.ts";
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
  return {
    kernel,
    identity,
    options,
    log: createLog<LogEntry>(await db.read(async (on) => headOf(on))),
    rows: {
      messages: createMessageStore(db, kernel.headMoved),
      links: createLinkStore(db),
      delayed: createScheduledStore(db),
      work: createWorkStore(db),
      inbox: createInboxStore(db, identity.directory),
    },
  };
}
