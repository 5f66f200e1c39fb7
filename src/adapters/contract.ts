/**
 * Contract of a platform that becomes a channel. `adapter.ts` does the rest, the same for all: being the only adapter, storing
 * events before acknowledging them to the platform, posting once, retries, files, readiness, stopping.
 */
export interface Platform {
  /** First half of the channel's id. */
  readonly provider: string;
  /** Signs in. @returns the account @throws PlatformFault */
  identify(signal: AbortSignal): Promise<Account>;
  /**
   * Reads until `signal` fires, beginning with events that waited. Passes each event to `inbox.deliver`, in order, and
   * acknowledges it to the platform only after that has resolved. A `PlatformFault` ends the reading: the adapter calls `read`
   * again later, or never when the fault is `permanent`.
   */
  read(inbox: Inbox, signal: AbortSignal): Promise<void>;
  /** Cuts a text into parts that fit into one message each. MUST cut the same text the same way every time. */
  cut(text: string): string[];
  /** Posts one part. @returns its external id @throws PlatformFault; any other error counts as `ambiguous` */
  post(post: Post): Promise<string>;
  /**
   * Puts this text, and these buttons alone, in place of a post's. A repeat changes nothing. @throws PlatformFault permanent when the
   * post is gone. Missing where posts cannot be changed.
   */
  edit?(externalId: string, part: { text: string; buttons?: Button[][] | undefined }): Promise<void>;
  /**
   * Looks for a part that an earlier try may have posted. @returns its external id, or null when it was surely not posted.
   * Missing where the platform cannot tell.
   */
  find?(post: Post): Promise<string | null>;
  /** Checks whether events still reach us. @returns the reason why not, or null */
  probe(signal: AbortSignal): Promise<string | null>;
}

export interface Account {
  /** Default of the second half of the channel's id. */
  accountId: string;
  /** Name for people. */
  name: string;
}

/** Destination of the events that a platform reads. */
export interface Inbox {
  /** Resolves when the relay has stored the event, or will never accept it. Rejects when the adapter ends. */
  deliver(incoming: Incoming): Promise<void>;
  /** Reports that events reach us from now on. */
  listening(): void;
  /** Writes to the log of the program that runs the adapter. */
  note(text: string): void;
}

/** An event of a platform: a message, a pressed button, a command, or a chat's new id. All ids are the platform's. */
export interface Incoming {
  type: "text" | "button" | "command" | "moved";
  conversationId: string;
  threadId?: string | undefined;
  /** Id that is unique within the channel. */
  externalId: string;
  /** `isBot`: by the platform's word, no person wrote it. */
  sender: { id: string; name: string; isBot?: boolean | undefined };
  /** Thread that begins under this message. */
  opens?: string | undefined;
  /** The chat has topics, and this stands in none. */
  inForum?: boolean | undefined;
  /** Only the sender and the bot are in the conversation. */
  private?: boolean | undefined;
  text?: string | undefined;
  /** Original author of what the sender forwarded. */
  forwardedFrom?: string | undefined;
  /** The part of another message that the sender answers. */
  quoted?: string | undefined;
  button?: { id: string; text?: string | undefined } | undefined;
  files?: IncomingFile[] | undefined;
  replyToExternalId?: string | undefined;
  /** With `moved`: the new id of `conversationId`. */
  movedTo?: string | undefined;
}

/** Chat that has changed its id for good. All reports of the change are one event. */
export const moveOf = ({ from, to }: { from: string; to: string }, sender: Incoming["sender"]): Incoming => ({
  ...{ type: "moved", conversationId: from, movedTo: to, externalId: `moved:${from}:${to}`, sender },
});

export interface IncomingFile {
  name: string;
  /** Media type; empty when the platform gives none. */
  type: string;
  /** Fetches the file; a `File` may carry a better name and type. @throws PlatformFault whose message replaces the file in the text */
  fetch(signal: AbortSignal): Promise<Blob>;
}

/** A chat, or one thread in it. */
export interface Place {
  conversationId: string;
  threadId?: string | undefined;
}

/** Button with an `id`, which a press sends back, or a `url`. */
export type Button = { text: string; id?: string | undefined; url?: string | undefined };

/** One message of the platform, or a topic to be made, whose id is its external id. A message of the relay becomes one or more parts. */
export type Part = { text: string; buttons?: Button[][] | undefined } | { file: OutgoingFile } | { topic: string };

export interface OutgoingFile {
  name: string;
  type: string;
  fetch(): Promise<Blob>;
}

export interface Post {
  place: Place;
  part: Part;
  /** Key of this part: the same for each try, different for any other part. */
  key: string;
  /** Message that this part answers; set for the first part alone. */
  replyToExternalId?: string | undefined;
  /** Time before which no part of this message was posted, in milliseconds since 1970. */
  since: number;
  /** Id by which `find` recognises the part: the last one that `keepMark` was given. */
  mark?: string | undefined;
  /** Keeps such an id, before anything of the part is visible; resolves when the relay has stored it. */
  keepMark(mark: string): Promise<void>;
}

export type Failure = "transient" | "permanent" | "ambiguous";

/**
 * Refusal by a platform. `transient`: surely not done, may work later. `permanent`: surely not done, never will be. `ambiguous`:
 * done or not, unknown.
 */
export class PlatformFault extends Error {
  override readonly name = "PlatformFault";

  constructor(
    readonly failure: Failure,
    /** Code for programs: `rate-limited`, `blocked`, `unreachable`, ... */
    readonly code: string,
    message: string,
    readonly retryAfterSeconds?: number,
    /** New id of a chat that has moved. */
    readonly movedTo?: string,
  ) {
    super(message);
  }
}

/** Errors of a connection that was never made: the request surely did not arrive. */
const NEVER_LEFT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CERT_\w+|DEPTH_ZERO\w*|UNABLE_TO\w+)$/;

/** Fault for an error that `fetch` rejected with. */
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
