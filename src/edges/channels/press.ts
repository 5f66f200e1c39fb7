import type { Standing } from "./access.ts";
import type { ChatLine } from "./chat-line.ts";
import type { Place } from "./place.ts";

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

/** A command of a chat, or the press of a button that one has posted. */
export interface ChatOrder {
  line: ChatLine | undefined;
  buttonId: string | undefined;
  /** Chat under its current id. */
  place: Place;
  standing: Standing;
}

/** Begins the ids of buttons under answers to commands. */
export const COMMAND_BUTTON = "cmd_";

/** Begins the ids of buttons that the relay alone makes. */
export const APPROVAL_BUTTON = "apr_";
