import type { Place } from "./store.ts";

/** A press of a button that answers an approval. */
export interface Press {
  buttonId: string;
  /** Chat under its current id. */
  place: Place;
  senderId: string;
  /** The sender is a guest that may answer approvals. */
  approves: boolean;
  /** Person whose account it is. */
  personId: string | null;
}

/** Begins the ids of buttons that the relay alone makes. */
export const APPROVAL_BUTTON = "apr_";
