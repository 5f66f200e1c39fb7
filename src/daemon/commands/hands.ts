import type { CommandResult } from "../../protocol/command-results.ts";
import type { Approvals } from "../approvals.ts";
import type { NewTurn, TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import type { Lanes } from "../sessions/lanes.ts";
import type { LiveSessions } from "../sessions/live.ts";
import type { Reporter } from "../sessions/reporter.ts";
import type { Worktrees } from "../sessions/worktrees.ts";
import type { Turns } from "../turns/turns.ts";

/** Parts of the daemon that commands work with. */
export interface Hands {
  services: Services;
  live: LiveSessions;
  turns: Turns;
  lanes: Lanes;
  reporter: Reporter;
  approvals: Approvals;
  worktrees: Worktrees;
  /** Puts turns into the journal, in the open write. */
  add(turns: NewTurn[]): TurnRow[];
}

/** Result of a command, and a text for people. */
export type Done = CommandResult & { text: string };
