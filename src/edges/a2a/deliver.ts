import { createHmac } from "node:crypto";
import type { Message, Task } from "@a2a-js/sdk";
import type { Areas } from "../../core/core.ts";
import { tokenOf } from "../../core/work/token.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { withoutAddresses } from "../../kernel/egress/addresses.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import { type Calls, callerAs } from "./calls.ts";
import type { Contact } from "./contact.ts";
import { POLL } from "./kinds.ts";
import { createOutgoing, type InboxEntry, messageFor, type SendStep, type Step } from "./outgoing.ts";
import { asRemoteError, type RemoteError } from "./remote.ts";
import type { CallRow, ExternalRow, ExternalStore } from "./store.ts";

/** Entries read at once. */
const PAGE = 50;
const LEASE_SECONDS = 86_400;
/** Longest time that a message is tried again. A deadline or an expiry ends it sooner. */
const GIVE_UP_MS = 86_400_000;

/** The next step for one agent. */
interface Plan {
  external: ExternalRow;
  /** Everything up to here has been handled. */
  upTo: number;
  step: Exclude<Step, { do: "pass" }> | undefined;
}

type Outcome = { answer: Task | Message } | { failed: RemoteError };

/** Sends an external agent its inbox, in order and one entry after the other, with retries. */
export function createDeliverer(
  { kernel, identity, core }: Areas,
  store: ExternalStore,
  contact: Contact,
  calls: Calls,
) {
  const { db, due, clock } = kernel;
  const { messages } = core;
  const { claims } = core.work;
  const { inbox } = core.inbox;
  const outgoing = createOutgoing(core, store);
  /** Id of this relay in message ids: several relays may call the same agent. */
  const relay = createHmac("sha256", kernel.key).update("a2a message ids").digest("hex").slice(0, 12);

  const work: OutsideWork = async (row, signal) => {
    const agentId = row.key;
    const plan = await db.read((on) => next(on, agentId));
    if (!plan) return async () => null;
    const outcome = plan.step?.do === "send" ? await bring(plan.external, plan.step, signal) : undefined;
    return (tx) => settle(tx, plan, outcome);
  };

  /** The next entry beyond the cursor that goes to the agent. */
  async function next(on: ReadTx, agentId: string): Promise<Plan | undefined> {
    const external = await store.byId(on, agentId);
    const facts = external && (await identity.directory.facts(on, agentId));
    if (!external || !facts) return undefined;
    const { entries, upTo } = await inbox.page(on, agentId, facts.cursor, PAGE);
    let done = facts.cursor;
    for (const entry of entries) {
      const step = await outgoing.step(on, agentId, entry);
      if (step.do !== "pass") return { external, upTo: done, step };
      done = entry.id;
    }
    return { external, upTo, step: undefined };
  }

  async function bring(external: ExternalRow, step: SendStep, signal: AbortSignal): Promise<Outcome> {
    const message = messageFor(step, relay);
    const request = { tenant: "", message, metadata: undefined, configuration: AT_ONCE };
    try {
      return { answer: await contact.call(external, "call", signal, (client) => client.sendMessage(request)) };
    } catch (error) {
      return { failed: asRemoteError(error) };
    }
  }

  async function settle(tx: Tx, { external, upTo, step }: Plan, outcome: Outcome | undefined): Promise<number | null> {
    const { agentId } = external;
    if (!store.isExternal(tx, agentId)) return null;
    await ack(tx, agentId, upTo);
    if (step?.do === "claim") return hold(tx, agentId, step.message);
    if (step?.do === "cancel") await due.hurry(tx, POLL, keyOf(step.call), clock.now());
    if (step?.do === "send" && outcome) {
      const again = "failed" in outcome ? await failed(tx, external, step, outcome.failed) : null;
      if (again !== null) return again;
      if ("answer" in outcome) await record(tx, external, step, outcome.answer);
    }
    const done = step ? step.message.id : upTo;
    await ack(tx, agentId, done);
    const { entries } = await inbox.page(tx, agentId, done, 1);
    return entries.length ? clock.now() : null;
  }

  async function ack(tx: Tx, agentId: string, upTo: number): Promise<void> {
    await inbox.ack(tx, callerAs(agentId), agentId, upTo);
  }

  /** Claims work before it is sent. The next pass sends it, or skips it when another agent was first. */
  async function hold(tx: Tx, agentId: string, { id }: InboxEntry): Promise<number> {
    try {
      await claims.claim(tx, callerAs(agentId), id, agentId, LEASE_SECONDS);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await ack(tx, agentId, id);
    }
    return clock.now();
  }

  async function record(tx: Tx, external: ExternalRow, step: SendStep, answer: Task | Message) {
    await contact.succeeded(tx, external);
    const call = step.going ?? (await begin(tx, external.agentId, step));
    const now = await calls.record(tx, call, answer);
    if (now.endedAt === null) await due.schedule(tx, POLL, keyOf(now), clock.now() + FIRST_POLL_MS);
    else await due.cancel(tx, POLL, keyOf(now));
  }

  async function begin(tx: Tx, agentId: string, { message, work }: SendStep): Promise<CallRow> {
    const { id, from, threadId, payload, kind } = message;
    const delegationId = kind === "request" && typeof payload?.delegationId === "string" ? payload.delegationId : null;
    const row: CallRow = {
      ...{ messageId: id, agentId, askerId: from, threadId, delegationId, taskId: null, contextId: null },
      ...{ claimToken: work ? tokenOf(work) : null, questionId: null, told: null, failures: 0 },
      ...{ startedAt: clock.now(), endedAt: null },
    };
    await store.addCall(tx, row);
    return row;
  }

  /** @returns the time of the next try; null after giving up and telling the sender */
  async function failed(tx: Tx, external: ExternalRow, step: SendStep, error: RemoteError) {
    const { message } = step;
    const reason = withoutAddresses(error.message, external.cardUrl);
    const isOver = clock.now() - Date.parse(message.createdAt) >= GIVE_UP_MS;
    if (error.isFinal || isOver) {
      const why = error.isFinal ? reason : `${external.agentId} could not be reached for a day: ${reason}`;
      await giveUp(tx, external, step, why);
      return null;
    }
    const again = await contact.failed(tx, external, error.message);
    if (external.toldOf === message.id) return again;
    await store.change(tx, external.agentId, { toldOf: message.id });
    await messages.tell(tx, message.from, {
      subject: `${external.agentId} cannot be reached`,
      body: `Message ${message.id} waits: ${reason} It is tried again until ${toTime(Date.parse(message.createdAt) + GIVE_UP_MS)} at the latest.`,
      replyTo: message.id,
      payload: { agentId: external.agentId, waiting: message.id },
    });
    return again;
  }

  /** Answers a request or work with an error, and tells the sender of any other message. */
  async function giveUp(tx: Tx, { agentId }: ExternalRow, step: SendStep, why: string) {
    const { message, going } = step;
    const call = going ?? (await begin(tx, agentId, step));
    if (call.delegationId !== null || call.claimToken !== null) await calls.answer(tx, call, { text: "", error: why });
    else
      await messages.tell(tx, message.from, {
        subject: `${agentId} did not take message ${message.id}`,
        body: why,
        replyTo: message.id,
        payload: { agentId, undelivered: message.id },
      });
    await store.changeCall(tx, call, { endedAt: clock.now() });
  }

  return work;
}

const FIRST_POLL_MS = 1000;
export const keyOf = ({ agentId, messageId }: CallRow): string => `${agentId} ${messageId}`;

/** Asks for an answer at once: a task under way is followed by requests of its own. */
const AT_ONCE = {
  acceptedOutputModes: ["text/plain", "application/json"],
  taskPushNotificationConfig: undefined,
  historyLength: 0,
  returnImmediately: true,
};
