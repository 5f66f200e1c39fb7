import type { MessageKind, WorkState } from "../../protocol/messages.ts";
import type { FacetFilter } from "../facets/filter.ts";

/** Ids in order, and the id where the search ended: null at the end of the log. */
export interface Found {
  ids: number[];
  reached: number | null;
}

/** A part of the log, and from which end it is read. */
export interface IdRange {
  before?: number | undefined;
  after?: number | undefined;
  oldestFirst: boolean;
}

/** Filters of a list or a stream of messages. */
export interface Filter extends FacetFilter {
  from?: string | undefined;
  to?: string | undefined;
  agent?: string | undefined;
  thread?: number | undefined;
  topic?: string | undefined;
  kind?: MessageKind | undefined;
  state?: WorkState | undefined;
}
