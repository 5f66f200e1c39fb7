import type { delegations } from "./tables.ts";

type Stored = typeof delegations.$inferSelect;

/** Stored row with its id: `dlg_`, the message id of its request, and a keyed hash of that. Finding it needs no index. */
export type DelegationRow = Stored & { id: string };
