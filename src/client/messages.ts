import { z } from "zod";
import { type ExplainQuery, Explanation } from "../protocol/explain.ts";
import {
  MessageDetail,
  type MessageDraft,
  MessageList,
  type MessageQuery,
  Scheduled,
  SentBatch,
  SentMessage,
} from "../protocol/messages.ts";
import { Thread, type ThreadQuery } from "../protocol/threads.ts";
import { type Caller, Nothing, part, type Query } from "./caller.ts";
import type { Call } from "./transport.ts";

type SentNow = MessageDraft & { deliverAt?: null };

/**
 * Time first, as in UUIDv7: keys that rise cost the relay's index less. `crypto.randomUUID` is neither that nor there in a
 * browser that reached the relay by plain http.
 */
export const randomKey = (): string =>
  `${Date.now().toString(36)}-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`;

/** The verbs on messages. */
export function messageVerbs({ ask, transport, agentId }: Caller) {
  /** A key of our own makes it safe to send again what was not answered: the relay knows the key and answers as before. */
  const keyed = (draft: MessageDraft, call?: Call): MessageDraft => {
    const from = draft.from ?? call?.agentId ?? agentId;
    return { ...draft, ...(from && { from }), idempotencyKey: draft.idempotencyKey ?? randomKey() };
  };

  /**
   * Sends one message. `matched` says how many the target reached, `replayed` that the given key had been used before.
   * With a `deliverAt` to come the answer is the schedule's.
   */
  function send(draft: SentNow, call?: Call): Promise<SentMessage>;
  function send(draft: MessageDraft, call?: Call): Promise<SentMessage | Scheduled>;
  async function send(draft: MessageDraft, call?: Call): Promise<SentMessage | Scheduled> {
    const answer = z.union([SentMessage, Scheduled]);
    const body = keyed(draft, call);
    const sent = await transport.exchange(
      { method: "POST", path: "/v1/messages", body, answer, repeatable: true },
      call,
    );
    // A repeat under our own key is our repeat, nobody's business.
    const replayed = Boolean(draft.idempotencyKey) && sent.headers.get("idempotent-replayed") === "true";
    return replayed ? { ...sent.value, replayed } : sent.value;
  }

  return {
    send,

    /** Sends up to 1,000 messages, all of them or none. */
    sendBatch(drafts: MessageDraft[], call?: Call): Promise<SentBatch> {
      const body = { messages: drafts.map((draft) => keyed(draft, call)) };
      return ask({ method: "POST", path: "/v1/messages/batch", body, answer: SentBatch, repeatable: true }, call);
    },

    /** What the caller may read, newest first; `q` searches. */
    list(query: Query<typeof MessageQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/messages", query, answer: MessageList, repeatable: true }, call);
    },

    get(id: number, call?: Call): Promise<MessageDetail> {
      return ask({ method: "GET", path: `/v1/messages/${part(id)}`, answer: MessageDetail, repeatable: true }, call);
    },

    /** The message's story: what happened when, and how far it got with each recipient. */
    explain(id: number, query: Query<typeof ExplainQuery> = {}, call?: Call): Promise<Explanation> {
      const path = `/v1/messages/${part(id)}/explain`;
      return ask({ method: "GET", path, query, answer: Explanation, repeatable: true }, call);
    },

    /** The messages that share the root `id`, oldest first. */
    thread(id: number, query: Query<typeof ThreadQuery> = {}, call?: Call): Promise<Thread> {
      return ask({ method: "GET", path: `/v1/threads/${part(id)}`, query, answer: Thread, repeatable: true }, call);
    },

    /** Notes that the agent has read this one message. The cursor stays. */
    async markRead(id: number, call?: Call): Promise<void> {
      const reader = call?.agentId ?? agentId;
      const body = reader === undefined ? {} : { agentId: reader };
      await ask(
        { method: "POST", path: `/v1/messages/${part(id)}/read`, body, answer: Nothing, repeatable: true },
        call,
      );
    },
  };
}
