import { createBackoff } from "../client/backoff.ts";
import { Failure, RelayProblem, Release } from "../client/client.ts";
import type { WorkHandler } from "../client/item.ts";
import type { Message } from "../protocol/messages.ts";
import { OutboundPayload } from "../protocol/posts.ts";
import { faultOf, type Inbox, moveOf, type Part, type Place, PlatformFault, type Post } from "./contract.ts";
import { afterwards, untilAnswered } from "./patience.ts";
import type { Session } from "./session.ts";

/** A message in delivery: its parts, and the state of each. */
interface Dispatch {
  message: Message;
  token: string;
  place: Place;
  parts: Part[];
  payload: OutboundPayload;
  /** External id by part; null when an attempt began the part and its end is unknown. */
  known: Map<number, string | null>;
  /** Id by which the platform recognises a part that was begun, by part. */
  marks: Map<number, string>;
  /** Fires at a stop of the adapter, or the loss of the lease. */
  stopping: AbortSignal;
  /** Fires some time after `stopping`: notes of posted parts must still reach the relay. */
  life: AbortSignal;
}

/** Longest wait for a platform with the message in hand. */
const PATIENCE_SECONDS = 30;
const TRIES = 4;
/** Delay before a lookup: the platform may not find a fresh post at once. */
const FIND_AFTER_MS = 2_000;
/** Time that a stopping adapter has to note its posts in the relay. */
const PARTING_MS = 5_000;
/** Delay of a message after a transient failure, by attempt: five of them survive half an hour's outage. */
const RETRY_SECONDS = [15, 60, 300, 1800];

const UNKNOWN_END = new PlatformFault(
  "ambiguous",
  "unknown-end",
  "An earlier try may have posted it, and the platform cannot tell",
);

/**
 * Posts one message, part by part. Notes each part in the relay before and after posting it. After a crash in between, the next
 * attempt knows which part may be posted, and asks the platform or gives up as `ambiguous`. Never posts a part twice.
 */
export function createOutbox(session: Session, deliver: Inbox["deliver"]): WorkHandler {
  const { client, channelId, platform, timing, home, onEvent } = session;
  /** Chats that moved while this adapter runs: its own setting for messages without a conversation may be one. */
  const moved = new Map<string, string>();

  /** @throws PlatformFault permanent */
  function dispatchOf(
    message: Message,
    how: Pick<Dispatch, "token" | "stopping" | "life">,
    posts: PartNote[],
  ): Dispatch {
    const payload = OutboundPayload.parse(message.payload ?? {});
    const place = payload.conversation ?? home;
    if (!place)
      throw new PlatformFault("permanent", "no-conversation", "It names no conversation, and the adapter has none");
    const known = new Map(posts.map(({ part, externalId }) => [part, externalId]));
    const marks = new Map(posts.flatMap(({ part, mark }) => (mark === undefined ? [] : [[part, mark] as const])));
    const { conversationId: named, threadId } = place;
    const conversationId = payload.conversation ? named : (moved.get(named) ?? named);
    const parts = partsOf(payload, message, how.life);
    if (parts.length === 0) throw new PlatformFault("permanent", "empty", "There is nothing to post");
    return {
      ...how,
      message,
      place: { conversationId, threadId: threadId ?? undefined },
      parts,
      payload,
      known,
      marks,
    };
  }

  function partsOf(payload: OutboundPayload, message: Message, life: AbortSignal): Part[] {
    if (payload.createTopic) return [{ topic: payload.createTopic.name }];
    const texts: Part[] = platform.cut(payload.text ?? message.body).map((text) => ({ text }));
    const files = (payload.files ?? []).map(({ fileId, name = fileId, type = "" }): Part => {
      // Read at each try, because the file may be large.
      return { file: { name, type, fetch: () => fileOf(fileId, life) } };
    });
    const { buttons } = payload;
    if (!buttons?.length) return [...texts, ...files];
    const last = texts.pop();
    return [...texts, { text: last && "text" in last ? last.text : "…", buttons }, ...files];
  }

  /** @throws PlatformFault, because nothing is posted without the file */
  async function fileOf(fileId: string, life: AbortSignal): Promise<Blob> {
    try {
      const { bytes } = await untilAnswered(timing, life, () => client.files.get(fileId));
      return new Blob([new Uint8Array(bytes)]);
    } catch (error) {
      const isGone = error instanceof RelayProblem && (error.status === 404 || error.status === 403);
      const failure = isGone ? "permanent" : "transient";
      throw new PlatformFault(failure, "no-file", `${fileId} cannot be read: ${String(error)}`);
    }
  }

  function postOf(dispatch: Dispatch, part: number): Post | undefined {
    const { message, place, parts, payload, marks } = dispatch;
    const given = parts[part];
    if (!given) return undefined;
    return {
      place,
      part: given,
      key: `${payload.idempotencyKey ?? `${channelId}/${message.id}`}/${part}`,
      replyToExternalId: part === 0 ? (payload.replyToExternalId ?? undefined) : undefined,
      since: Date.parse(message.createdAt),
      get mark() {
        return marks.get(part);
      },
      async keepMark(mark) {
        await note(dispatch, part, { mark });
        marks.set(part, mark);
      },
    };
  }

  const note = ({ message, token, life }: Dispatch, part: number, about: { externalId?: string; mark?: string } = {}) =>
    untilAnswered(timing, life, () => client.channels.notePost(message.id, { token, part, ...about }));

  /** @throws PlatformFault */
  async function settlePart(dispatch: Dispatch, part: number, given: Post): Promise<string> {
    let post = given;
    let fault = dispatch.known.get(part) === null ? UNKNOWN_END : undefined;
    for (let n = 1; ; n++) {
      if (fault?.failure === "ambiguous") {
        const found = await lookFor(post, fault);
        if (found !== null) return found;
      }
      if (fault && n > TRIES) throw fault;
      if (!dispatch.known.has(part)) await note(dispatch, part);
      dispatch.known.set(part, null);
      try {
        return await platform.post(post);
      } catch (error) {
        // The relay refused a mark: nothing is visible.
        if (error instanceof RelayProblem) throw error;
        fault = faultOf(error);
        if (fault.movedTo !== undefined && n <= TRIES) {
          // Nothing was posted there, so post to the chat's current id.
          post = { ...post, place: await follow(dispatch, fault.movedTo) };
          fault = undefined;
          continue;
        }
        await patience(fault, n, dispatch.stopping);
      }
    }
  }

  async function follow(dispatch: Dispatch, to: string): Promise<Place> {
    const { conversationId: from } = dispatch.place;
    await deliver(moveOf({ from, to }, { id: from, name: platform.provider }));
    moved.set(from, to);
    dispatch.place = { ...dispatch.place, conversationId: to };
    return dispatch.place;
  }

  /** Waits until a transient fault may have passed. @throws PlatformFault for other faults, Release when there is no time to wait */
  async function patience(fault: PlatformFault, tries: number, stopping: AbortSignal): Promise<void> {
    const { failure, retryAfterSeconds = 2 ** tries } = fault;
    const isAmbiguous = failure === "ambiguous";
    if (failure === "permanent" || (isAmbiguous && !platform.find)) throw fault;
    if (!isAmbiguous && (tries === TRIES || retryAfterSeconds > PATIENCE_SECONDS)) throw fault;
    await timing.sleep(isAmbiguous ? FIND_AFTER_MS : retryAfterSeconds * 1000, stopping).catch(() => {
      // Released as it is: the next attempt looks for the part.
      throw isAmbiguous ? new Release("the adapter is stopping") : fault;
    });
  }

  /** @throws PlatformFault ambiguous, when the platform cannot tell */
  async function lookFor(post: Post, why: PlatformFault): Promise<string | null> {
    if (!platform.find) throw why;
    const backoff = createBackoff(timing);
    for (let n = 1; ; n++) {
      try {
        return await platform.find(post);
      } catch (error) {
        const fault = faultOf(error);
        if (n === TRIES || fault.failure === "permanent" || fault.code === "not-found")
          throw new PlatformFault("ambiguous", "unknown-end", `It may be posted; asked, ${fault.message}`);
        await timing.sleep(Math.max((fault.retryAfterSeconds ?? 0) * 1000, backoff.delay()));
      }
    }
  }

  async function postAll(dispatch: Dispatch): Promise<string[]> {
    for (const part of dispatch.parts.keys()) {
      const done = dispatch.known.get(part);
      const post = postOf(dispatch, part);
      if (typeof done === "string" || !post) continue;
      // Notes of posted parts stay, so the next claimer goes on from there.
      if (dispatch.stopping.aborted) throw new Release("the adapter is stopping");
      const externalId = await settlePart(dispatch, part, post);
      dispatch.known.set(part, externalId);
      await note(dispatch, part, { externalId });
    }
    return [...dispatch.parts.keys()].flatMap((part) => dispatch.known.get(part) ?? []);
  }

  /**
   * Changes the post that the message names. An edit may be repeated, so nothing is noted. @returns whether it is done: false where the
   * platform cannot, and the message is posted instead
   */
  async function editPost(
    { payload, stopping }: Dispatch,
    message: Message,
    edits: readonly string[],
  ): Promise<boolean> {
    const [text] = platform.cut(payload.edit?.text ?? payload.text ?? message.body);
    const externalId = edits[0];
    if (!payload.edit || !platform.edit || externalId === undefined || text === undefined) return false;
    for (let n = 1; ; n++) {
      try {
        await platform.edit(externalId, { text, buttons: payload.buttons ?? undefined });
        return true;
      } catch (error) {
        const fault = faultOf(error);
        if (fault.failure === "permanent") return false;
        // The end of an ambiguous try does not matter: the next one makes the same of it.
        const again = fault.failure === "ambiguous" ? new PlatformFault("transient", fault.code, fault.message) : fault;
        await patience(again, n, stopping);
      }
    }
  }

  return async (message, { signal, claim, posts = [], edits = [] }) => {
    const parting = afterwards(timing, signal, PARTING_MS);
    const how = { token: claim.token, stopping: signal, life: parting.signal };
    try {
      const dispatch = dispatchOf(message, how, posts);
      const externalIds = (await editPost(dispatch, message, edits)) ? [] : await postAll(dispatch);
      onEvent({ type: "posted", channelId, messageId: message.id, externalIds });
      return undefined;
    } catch (error) {
      if (!(error instanceof PlatformFault)) throw error;
      const { failure, message: reason } = error;
      const code = error.code.slice(0, 64);
      onEvent({ type: "not-posted", channelId, messageId: message.id, failure, code, reason });
      throw new Failure(reason, { failure, code, ...(failure === "transient" && laterOf(error, claim.attempt)) });
    } finally {
      parting.dispose();
    }
  };
}

interface PartNote {
  part: number;
  externalId: string | null;
  mark?: string | undefined;
}

function laterOf({ retryAfterSeconds = 0 }: PlatformFault, attempt: number) {
  const step = RETRY_SECONDS[Math.min(attempt, RETRY_SECONDS.length) - 1] ?? 0;
  return { retryAfterSeconds: Math.ceil(Math.max(retryAfterSeconds, step)) };
}
