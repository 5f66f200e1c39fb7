import type { delegations } from "./tables.ts";

type Stored = typeof delegations.$inferSelect;

/** As stored, with its id: `dlg_`, the request's place in the log, so that finding it needs no index, and a keyed hash of it. */
export type DelegationRow = Stored & { id: string };
