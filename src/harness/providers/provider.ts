import type { RunErrorCode, RunOutcome, UsageInput } from "../../protocol/runs.ts";

/** Abilities of an agent CLI behind its adapter. A missing one is done otherwise, or refused with a sentence. */
export interface Capabilities {
  /** The caller chooses the native id of a new session. */
  presetId: boolean;
  resume: boolean;
  /** Copies a session, the original untouched. */
  fork: boolean;
  /** A fork that leaves nothing behind: for peeks. */
  ephemeralFork: boolean;
  /** Takes text into a running turn. */
  steer: boolean;
  /** Says when an input was queued and when it reached a model turn. */
  receipts: boolean;
  interrupt: boolean;
  /** Asks for permissions, and waits for the answer. */
  permissions: boolean;
  /** Answers by a JSON schema. */
  structured: boolean;
  usage: boolean;
  /** Says until when its provider refuses. */
  limits: boolean;
  /** Runs an interrupted turn again when it resumes. */
  continueTurn: boolean;
}

/** Agent CLI on this machine. */
export interface Provider {
  /** Name in the daemon's configuration: claude, codex, gemini, or the operator's own. */
  readonly name: string;
  readonly kind: "claude" | "codex" | "acp" | "command";
  readonly capabilities: Capabilities;
  /**
   * Finds the CLI and reads its version.
   * @throws HarnessError with a sentence that says how to install it, or which version is needed
   */
  probe(signal?: AbortSignal): Promise<{ version: string; account: string | null }>;
  /** Starts its process. Resolves when it takes input. @throws HarnessError; SessionMissing for a dead native id; SessionBusy where another process has it open */
  open(task: OpenTask): Promise<NativeSession>;
  /** Sessions of this CLI that other programs started, where the CLI lists them. */
  listForeign?(): Promise<ForeignSession[]>;
  /** Removes what the CLI stored of a session. */
  remove?(task: { nativeId: string; cwd: string; environment: Environment }): Promise<void>;
}

export type Environment = Readonly<Record<string, string>>;

export interface ForeignSession {
  nativeId: string;
  cwd: string | null;
  name: string | null;
  pid: number | null;
  /** null: the CLI does not say. */
  isOpen: boolean | null;
  startedAt: number | null;
}

/** Beginning of a session. */
export type Origin =
  | { how: "new"; nativeId?: string }
  | { how: "resume"; nativeId: string; continueTurn: boolean }
  | {
      how: "fork";
      nativeId: string;
      ephemeral: boolean;
      newId?: string;
      /** `mark` of the last result that the copy has. Left out: it has all, the running turn too. */
      upTo?: string;
    };

export interface OpenTask {
  origin: Origin;
  /** Id of our session: the marker `SIGNALBOX_SESSION` of every process of it. */
  sessionId: string;
  cwd: string;
  model: string | null;
  /** Added to the CLI's own system prompt. */
  systemPrompt: string | null;
  /** Whole environment of the process, the marker aside. Nothing is inherited. */
  environment: Environment;
  /** MCP server of the relay, with the session's own token; never on a command line. */
  mcp: { url: string; token: string } | null;
  tools: { allow: readonly string[]; deny: readonly string[] };
  /** JSON schema of the answers, where `structured` is a capability. */
  schema: object | null;
  /** Nobody answers permissions: the CLI refuses them at once. */
  unattended: boolean;
  /** Called in order, also before `open` resolves. Must not throw. */
  on(event: SessionEvent): void;
  signal?: AbortSignal;
}

/** Origin of a text, as far as the CLI can be told: `human` for a person of the operator, `peer` for another agent. */
export interface Provenance {
  kind: "human" | "channel" | "peer" | "schedule" | "relay";
  from: string;
}

export interface TurnInput {
  /** Our id of it; receipts and results name it. A UUID. */
  id: string;
  /** Whole text, head and envelopes, as the model gets it: no command of the CLI in it is run. */
  text: string;
  /** Absolute paths of images to show to the model; the others are named in the text. */
  images: readonly string[];
  provenance: Provenance;
}

export interface PermissionAnswer {
  decision: "allow" | "deny" | "answer";
  /** As the option said. `always` is kept by the relay's rules; the CLI hears `session` at most. */
  scope: "once" | "session";
  /** For the model: the reason of a denial, or the answer to a question. */
  text: string | null;
}

export interface Exit {
  code: number | null;
  signal: string | null;
  /** End of stderr, 4,000 bytes at most. */
  stderr: string;
  /** Processes with the marker that could not be ended. */
  left: readonly LeftProcess[];
}
export interface LeftProcess {
  pid: number;
  /** Clock ticks since boot, of /proc/<pid>/stat: with the pid it names one process. */
  startTicks: number;
  command: string;
}

/** A running process with its one native session. Calls on one that has exited reject with HarnessError. */
export interface NativeSession {
  readonly pid: number;
  readonly startTicks: number;
  /** false from the moment its process has ended: before `exited`, which waits for what it left. */
  readonly isRunning: boolean;
  /** null until the CLI has named it. */
  readonly nativeId: string | null;
  /** Begins a turn, or queues behind the running one. Resolves when the pipe of the CLI has the text; `input` events say more. */
  send(input: TurnInput): Promise<void>;
  /** Puts text into the running turn. `refused`: no turn runs, or the CLI cannot. */
  steer(input: TurnInput): Promise<"steered" | "refused">;
  /** Stops the running turn and everything queued. The ids of inputs that no turn will see. */
  interrupt(): Promise<{ cancelled: string[] }>;
  /** Whether the CLI took it: false when it has withdrawn the question, or never asked it. */
  answer(requestId: string, answer: PermissionAnswer): Promise<boolean>;
  /** Ends it: closes its input, then TERM to the CLI, then KILL to every process with the marker until none is left for a second. */
  close(options?: { graceMs?: number }): Promise<Exit>;
  /** Resolves once the process was seen to exit and no marked process is left, or is reported in `left`. */
  readonly exited: Promise<Exit>;
}

/** Question of the CLI that blocks it. In its subject nothing hides; its title is cleaned of control sequences. */
export interface PermissionRequest {
  requestId: string;
  /** `permission` subjects are those of approvals; `question` asks the person. */
  subject:
    | { type: "command"; line: string; cwd: string; envNames: string[] }
    | { type: "edit"; path: string; also?: string[]; diff: string }
    | { type: "fetch"; url: string }
    | { type: "tool"; server: string; name: string; input: Record<string, unknown> }
    | { type: "question"; text: string; options: { id: string; label: string }[] };
  title: string;
  /** Exact input of the tool, as JSON with sorted members: what will run. Compared again when the answer is handed over. */
  exact: string;
  /** Decisions that the CLI takes. */
  offers: { once: boolean; session: boolean };
  /** false: no one-tap button may allow it. */
  oneTap: boolean;
}

export type SessionEvent =
  | { type: "native"; nativeId: string }
  /** Authoritative state by the protocol; never from a screen. */
  | { type: "state"; state: "idle" | "working" | "asking" }
  | { type: "turn-started"; nativeTurnId: string | null; inputIds: string[] }
  | { type: "input"; inputIds: string[]; state: "queued" | "started" | "cancelled" }
  | { type: "say"; delta: string }
  /** Whole text of one message of the assistant, from CLIs without deltas. */
  | { type: "said"; text: string }
  | { type: "think"; delta: string }
  | { type: "tool"; phase: "start"; id: string; name: string; args: unknown }
  | { type: "tool"; phase: "update"; id: string; result: unknown }
  | { type: "tool"; phase: "result"; id: string; result: unknown; isError: boolean; exitCode?: number }
  | {
      type: "diff";
      path: string;
      change: "added" | "modified" | "deleted" | "renamed";
      added: number;
      removed: number;
      patch?: string;
    }
  | { type: "status"; text: string }
  | { type: "compaction"; phase: "start" | "end" }
  /** Difference since the last one. */
  | { type: "usage"; usage: UsageInput }
  | { type: "ask"; request: PermissionRequest }
  | { type: "ask-withdrawn"; requestId: string }
  /** The CLI tries again by itself. */
  | { type: "retry"; attempt: number; inMs: number; status: number | null; error: string }
  | { type: "limit"; limit: ProviderLimit }
  | { type: "result"; result: TurnResult }
  /** Results of turns that the CLI gave and we did not get. */
  | { type: "results-lost"; count: number }
  /** The CLI could not store its transcript. */
  | { type: "transcript-torn"; reason: string }
  /** A line that is not of the protocol: cut, for the log. */
  | { type: "noise"; text: string };

export interface ProviderLimit {
  account: string | null;
  /** The provider's name of the window. */
  window: string;
  state: "allowed" | "warning" | "rejected";
  /** Milliseconds since 1970; null when the provider does not say. */
  until: number | null;
  /** Percent. */
  utilization: number | null;
  evidence: Record<string, unknown>;
}

/** End of a turn. A result with no turn of the model and no cost is none, and is not told. */
export interface TurnResult {
  outcome: RunOutcome;
  errorCode: RunErrorCode | null;
  error: string | null;
  /** The visible answer of the turn's end. */
  text: string;
  /** By the schema; undefined where the model did not answer so. */
  structured: unknown;
  /** Inputs that the turn consumed. */
  inputIds: string[];
  /** More results of queued inputs follow. */
  moreFollow: boolean;
  /** Its end in the native dialogue, where the CLI can copy a session up to there. */
  mark?: string;
  durationMs: number | null;
}
