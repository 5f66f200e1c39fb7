import type { AgentFacts } from "../../identity/agents/row.ts";
import type { ProviderAgent } from "../../identity/orchestrators/provider-agents.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { MessageSource, ParsedDraft, RoutedBy } from "../../protocol/messages.ts";
import type { WorkRow } from "../work/row.ts";
import type { LogEntry } from "./entry.ts";

/** The author of a message. */
export interface Author {
  id: string;
  kind: AgentFacts["kind"];
  via: string | null;
  /** Person that wrote it. */
  person?: string | null;
  /** Its source, when the author's kind does not tell. */
  source?: MessageSource;
  /** The integration that reported it. */
  integration?: string | null;
  /** Set for a bot that speaks through a channel; `linkId`: the message that it continues in its chat. */
  bot?: { linkId: number | null } | undefined;
}

/** Options of a message that the relay itself sends. */
export interface PostOptions {
  route?: RoutedBy | null | undefined;
  settles?: boolean | undefined;
}

/** A message that the relay itself makes. Omitted members get the defaults of a caller's draft. */
export type Post = Partial<ParsedDraft> & { to: string; body: string };

/** Result of sending one draft. */
export type Sent =
  | {
      kind: "sent";
      entry: LogEntry;
      work: WorkRow | undefined;
      matched: number;
      /** For a group without members, the nearest groups with some. */
      suggestions?: string[] | undefined;
      replayed: boolean;
    }
  | { kind: "scheduled"; scheduleId: string; deliverAt: number; approvalId?: string | undefined; replayed: boolean };

/** A message whose target was looked up: ready to be appended. */
export interface Addressed {
  draft: ParsedDraft;
  author: Author;
  target: string;
  matched: number;
  /** Set where the target was named by its orchestrator: its agent is registered with the message. */
  provider?: ProviderAgent | undefined;
  /** A person has to allow it first. */
  asks?: Asks | undefined;
  /** Members of a group that are not started for it: their orchestrators do not hear of it for them. */
  withheld?: readonly string[] | undefined;
  /** For a group without members, the nearest groups with some. */
  suggestions?: string[] | undefined;
  /** Hash of the request, when it has an idempotency key. */
  fingerprint?: string | undefined;
  /** The binding that routed it there. */
  route?: RoutedBy | null | undefined;
  /** No earlier message caused it: it begins a chain of its own. */
  isRoot?: boolean | undefined;
  /** Set on a message that ends work or a request: it is never held back. */
  settles?: boolean | undefined;
  /** Set by a feature that handles its end and tells its sender: no expiry notice is sent. */
  owed?: boolean | undefined;
}

/** A spawn that a message makes, and that a person has to allow. */
export interface Asks {
  /** Time in which a person allows it. */
  seconds: number;
  /** Asks a person for what waits. @throws Problem 409, 422 */
  ask(tx: Tx, waiting: Waiter): Promise<Waiting>;
}

/**
 * A message or a delegation that waits under an id. `owner`: see `Waits`. `approvalId`: id for the approval, of which the
 * delegation's notice has told already. `causedBy`: message that it comes from.
 */
export type Waiter = (
  | { scheduleId: string; owner?: string | undefined }
  | { delegationId: string; approvalId: string }
) & { causedBy?: number | undefined };

/** Approval that something waits for. */
export interface Waiting {
  approvalId: string;
  /** Milliseconds. */
  expiresAt: number;
}

/** Finds the agent of an `@name`; `names` are the known ones. */
export interface NameBook {
  find(on: ReadTx, name: string): Promise<string | undefined>;
  names(on: ReadTx): Promise<string[]>;
}
