import { type LetterQuery, type MessageLetter, readLetter } from "../protocol/digest.ts";
import { type ExplainQuery, type Explanation, explainMessage } from "../protocol/explain.ts";
import { SentItems } from "../protocol/items.ts";
import * as api from "../protocol/messages.ts";
import { getThread, type Thread, type ThreadQuery } from "../protocol/threads.ts";
import { type Caller, type Query, randomKey } from "./caller.ts";
import { eachBy } from "./each.ts";
import { createTogether, type Kind } from "./together.ts";
import type { Call, Transport } from "./transport.ts";

type Sent = api.SentMessage | api.Scheduled;

const ATOMIC = { ...api.sendBatch, answers: { 201: api.sendBatch.answers[201], 200: api.sendBatch.answers[201] } };
const sendEach = eachBy(api.sendBatch, SentItems);

/** Sending drafts, each as JSON text. */
const sendKind = (transport: Transport): Kind<string, Sent> => ({
  async alone(json, call) {
    const { value, headers } = await transport.exchange(api.sendMessage, { json, repeatable: true }, call);
    return { ...value, replayed: headers.get("idempotent-replayed") === "true" };
  },
  all(drafts, call) {
    const json = `{"messages":[${drafts.join(",")}]}`;
    const filled = { query: { atomic: "false" }, json, repeatable: true };
    return sendEach(transport, filled, { count: drafts.length, call });
  },
  size: (json) => json.length,
});

type SentNow = api.MessageDraft & { deliverAt?: null };

/** Verbs on messages. */
export function messageVerbs({ ask, acting, transport, timing }: Caller) {
  const sends = createTogether(sendKind(transport), timing);
  /** Adds a key of our own, so that a message without an answer can be sent again: the relay answers a known key as before. */
  const keyed = (draft: api.MessageDraft, call?: Call): api.MessageDraft => ({
    ...acting("from", draft, call),
    idempotencyKey: draft.idempotencyKey ?? randomKey(),
  });

  /**
   * Sends one message. `matched` is the number of agents that it reached, `replayed` tells that the given key was used before. With a
   * `deliverAt` the answer is the schedule's. Sends of one turn of the event loop go as one request, in order, each answered by itself.
   */
  function send(draft: SentNow, call?: Call): Promise<api.SentMessage>;
  function send(draft: api.MessageDraft, call?: Call): Promise<api.SentMessage | api.Scheduled>;
  async function send(draft: api.MessageDraft, call?: Call): Promise<api.SentMessage | api.Scheduled> {
    const { replayed, ...sent } = await sends(JSON.stringify(keyed(draft, call)), call);
    // A repeat under our own key is of no interest to the caller.
    return draft.idempotencyKey && replayed ? { ...sent, replayed } : sent;
  }

  return {
    send,

    /** Sends up to 1,000 messages, all of them or none. */
    sendBatch: (drafts: api.MessageDraft[], call?: Call): Promise<api.SentBatch> =>
      ask(ATOMIC, { body: { messages: drafts.map((draft) => keyed(draft, call)) }, repeatable: true }, call),

    /** Lists the messages that the caller may read, newest first; `q` searches. */
    list: (query: Query<typeof api.MessageQuery> = {}, call?: Call) => ask(api.listMessages, { query }, call),

    get: (id: number, call?: Call): Promise<api.MessageDetail> => ask(api.getMessage, { params: { id } }, call),

    /** The message in its envelope, as a model may be given it; for an agent, or the orchestrator that enrolled it. */
    letter: (id: number, query: Query<typeof LetterQuery> = {}, call?: Call): Promise<MessageLetter> =>
      ask(readLetter, { params: { id }, query: acting("agent", query, call) }, call),

    /** History of a message: its events, and how far it got with each recipient. */
    explain: (id: number, query: Query<typeof ExplainQuery> = {}, call?: Call): Promise<Explanation> =>
      ask(explainMessage, { params: { id }, query }, call),

    /** Messages that share the root `id`, oldest first. */
    thread: (id: number, query: Query<typeof ThreadQuery> = {}, call?: Call): Promise<Thread> =>
      ask(getThread, { params: { id }, query }, call),

    /** Marks this one message as read by the agent. The cursor stays. */
    async markRead(id: number, call?: Call): Promise<void> {
      await ask(api.markRead, { params: { id }, body: acting<{ agentId?: string }>("agentId", {}, call) }, call);
    },
  };
}
