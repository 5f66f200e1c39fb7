import type { Tx } from "../../kernel/db/database.ts";
import type { Author } from "./draft.ts";
import type { Lineage } from "./row.ts";

/** The message that an agent's message continues. */
export interface Link {
  row: Lineage;
  /** From then on it no longer counts by itself; null where it was named. */
  until: number | null;
}

export interface Linked {
  link?: Link | undefined;
  /** The link that a person's later message has cut. */
  cut?: { row: Lineage; by: string } | undefined;
}

/** The cause of a message. */
export interface Behind extends Linked {
  /** Stored in its row: the message it names, the work it is sent under, else its author's recent mail. */
  cause: Lineage | undefined;
  /** The nearest work or request that it lies inside. */
  workId: number | null;
}

/** A message on its way into the log, for the guard against loops. */
export interface Judged extends Behind {
  author: Author;
  /** The message it replies to. */
  parent: Lineage | undefined;
  /** Set on a message that ends work or a request: it is never held back. */
  settles: boolean;
  /** Whether it is itself work, or a request that owes an answer. */
  isWork: boolean;
}

/** Its number of turns by agents in a row, and whether further messages are to be held back. */
export interface Verdict {
  streak: number;
  pause?: Pause | undefined;
}

/** Part of a conversation that agents may not go on with. */
export type Pause = "chain" | "thread";

/** Keeps agents from answering each other for ever. @throws Problem 429 loop-paused */
export type Judge = (tx: Tx, judged: Judged) => Promise<Verdict> | Verdict;

/** Whether an agent or a bot speaks: not a person, not the relay. */
export const isAgentMade = ({ kind, bot }: Pick<Author, "kind" | "bot">): boolean =>
  kind === "provider" || kind === "orchestrator" || bot !== undefined;
