import type { RunHandle } from "../../client/client.ts";

/** Events of a run that an agent CLI's output becomes. */
export type RunSink = Pick<RunHandle, "say" | "think" | "tool" | "usage" | "status" | "diff">;

/** State of one output while it is read. */
export interface LineState {
  /** Text of the last answer, as the CLI itself calls it. */
  answer?: string | undefined;
  /** Its text comes in deltas, so whole messages repeat it. */
  hasDeltas?: boolean;
  hasSpoken?: boolean;
}

/** Line of JSON. */
export type LineEvent = Record<string, unknown>;
/** Reports one line of an agent CLI's output. */
export type LineReader = (event: LineEvent, sink: RunSink, state: LineState) => void;
