import type { LeftProcess } from "../provider.ts";

/**
 * Variable that every process of a session inherits. Agent CLIs start their tools in sessions of their own, so a process group
 * does not hold them together. No word that CLIs filter from the environments of tools (KEY, SECRET, TOKEN) is in its name.
 */
export const MARKER = "SIGNALBOX_SESSION";

/** Process that carries the marker of a session. */
export interface MarkedProcess extends LeftProcess {
  sessionId: string;
}
