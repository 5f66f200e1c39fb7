/**
 * What a platform has to offer so that it can be a channel. Everything that is the same for all of them (being the only
 * adapter, storing what comes in before the platform is told, posting once, retries, files, readiness, stopping) is done by
 * `adapter.ts` around it.
 */
export interface Platform {
  /** The first half of the channel's id. */
  readonly provider: string;
  /** Signs in, and says whose account it is. Rejects with `PlatformFault`. */
  identify(signal: AbortSignal): Promise<Account>;
  /**
   * Reads until `signal` fires, beginning with what waited. What comes in goes to `inbox.deliver`, in order; only after that
   * resolved is the platform told that it arrived. Rejects with `PlatformFault` when it cannot go on reading: it is called
   * again later, or never again when the fault is `permanent`.
   */
  read(inbox: Inbox, signal: AbortSignal): Promise<void>;
  /** Cuts a text into what fits into one message each; the same text is always cut the same way. */
  cut(text: string): string[];
  /** Posts one part and answers its external id. Rejects with `PlatformFault`; anything else counts as `ambiguous`. */
  post(post: Post): Promise<string>;
  /**
   * Looks for a part that an earlier try may have posted: its external id, or null when it surely is not there. Left out
   * where the platform cannot tell.
   */
  find?(post: Post): Promise<string | null>;
  /** Looks whether what comes in still reaches us: why it does not, or null. */
  probe(signal: AbortSignal): Promise<string | null>;
}

export interface Account {
  /** The second half of the channel's id, when nobody chose one. */
  accountId: string;
  /** For people. */
  name: string;
}

/** Where what a platform reads goes. */
export interface Inbox {
  /** Resolves when the relay has stored it, or will never take it. Rejects when the adapter is at its end. */
  deliver(incoming: Incoming): Promise<void>;
  /** What comes in reaches us from now on. */
  listening(): void;
  /** Something for the log of whoever runs the adapter. */
  note(text: string): void;
}

/** An event of a platform: a message, a pressed button, a command, or a chat's new id. All ids are the platform's. */
export interface Incoming {
  type: "text" | "button" | "command" | "moved";
  conversationId: string;
  threadId?: string | undefined;
  /** Unique within the channel. */
  externalId: string;
  /** `isBot`: the platform says that no person wrote it. */
  sender: { id: string; name: string; isBot?: boolean | undefined };
  text?: string | undefined;
  /** Original author of what the sender forwarded. */
  forwardedFrom?: string | undefined;
  /** The part of another message that the sender answers. */
  quoted?: string | undefined;
  button?: { id: string; text?: string | undefined } | undefined;
  files?: IncomingFile[] | undefined;
  replyToExternalId?: string | undefined;
  /** With `moved`: what `conversationId` is called from now on. */
  movedTo?: string | undefined;
}

/** A chat that has changed its id for good. All reports of the change are one event. */
export const moveOf = ({ from, to }: { from: string; to: string }, sender: Incoming["sender"]): Incoming => ({
  ...{ type: "moved", conversationId: from, movedTo: to, externalId: `moved:${from}:${to}`, sender },
});

export interface IncomingFile {
  name: string;
  /** A media type; empty when the platform does not say. */
  type: string;
  /** Rejects with `PlatformFault`, whose message replaces the file in the text. A `File` may carry a better name and type. */
  fetch(signal: AbortSignal): Promise<Blob>;
}

/** A chat, or one thread in it. */
export interface Place {
  conversationId: string;
  threadId?: string | undefined;
}

/** A button has an `id`, which comes back when it is pressed, or a `url`. */
export type Button = { text: string; id?: string | undefined; url?: string | undefined };

/** One message of the platform. A relay's message becomes one or more of them. */
export type Part = { text: string; buttons?: Button[][] | undefined } | { file: OutgoingFile };

export interface OutgoingFile {
  name: string;
  type: string;
  fetch(): Promise<Blob>;
}

export interface Post {
  place: Place;
  part: Part;
  /** The same for each try of this part, different for any other. */
  key: string;
  /** The message that this one answers, if it is the first part. */
  replyToExternalId?: string | undefined;
  /** Nothing of this message was posted before, in milliseconds since 1970. */
  since: number;
  /** The parts of this message that are known to be posted. */
  posted: readonly string[];
}

export type Failure = "transient" | "permanent" | "ambiguous";

/**
 * What a platform said no with. `transient`: surely not done, may work later. `permanent`: surely not done, never will be.
 * `ambiguous`: nobody knows whether it was done.
 */
export class PlatformFault extends Error {
  override readonly name = "PlatformFault";

  constructor(
    readonly failure: Failure,
    /** For programs: `rate-limited`, `blocked`, `unreachable`, ... */
    readonly code: string,
    message: string,
    readonly retryAfterSeconds?: number,
    /** The chat has another id now. */
    readonly movedTo?: string,
  ) {
    super(message);
  }
}

/** A connection that was never made: what was to be sent surely did not arrive. */
const NEVER_LEFT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CERT_\w+|DEPTH_ZERO\w*|UNABLE_TO\w+)$/;

/** What `fetch` rejected with. */
export function networkFault(error: unknown): PlatformFault {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reason = error instanceof Error ? error.message : String(error);
  if (NEVER_LEFT.test(code)) return new PlatformFault("transient", "unreachable", `cannot be reached: ${code}`);
  return new PlatformFault("ambiguous", "no-answer", `no whole answer came: ${code || reason}`);
}

export const faultOf = (error: unknown): PlatformFault =>
  error instanceof PlatformFault
    ? error
    : new PlatformFault("ambiguous", "unknown", error instanceof Error ? error.message : String(error));
