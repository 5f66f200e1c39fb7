import type { Message, Task } from "@a2a-js/sdk";
import type { Areas } from "../../core/core.ts";
import { tokenOf } from "../../core/work/token.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { withoutAddresses } from "../../kernel/egress/addresses.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import { type Calls, callerAs } from "./calls.ts";
import type { Contact } from "./contact.ts";
import { LOOK } from "./kinds.ts";
import { type Incoming, messageFor, type Outgoing, type Step } from "./outgoing.ts";
import { RemoteError } from "./remote.ts";
import type { CallRow, OutsideRow, OutsideStore } from "./store.ts";

interface Means {
  outgoing: Outgoing;
  contact: Contact;
  calls: Calls;
  /** Id of this relay, for message ids. */
  relay: string;
}

/** Entries read at once. */
const PAGE = 50;
const LEASE_SECONDS = 86_400;
/** Longest time that a message is tried again. A deadline or an expiry ends it sooner. */
const GIVE_UP_MS = 86_400_000;

/** The next step for one agent, as it was read. */
interface Look {
  outside: OutsideRow;
  /** Everything up to here is done with. */
  upTo: number;
  step: Exclude<Step, { do: "pass" }> | undefined;
}

type Outcome = { came: Task | Message } | { failed: RemoteError };

/** Sends the inbox of an agent of another machine to it, in order and one entry after the other, and tries again. */
export function createDeliverer({ kernel, identity, core }: Areas, store: OutsideStore, means: Means) {
  const { db, due, clock } = kernel;
  const { messages } = core;
  const { claims } = core.work;
  const { inbox } = core.inbox;
  const { outgoing, contact, calls, relay } = means;

  const work: OutsideWork = async (row, signal) => {
    const agentId = row.key;
    const look = await db.read((on) => next(on, agentId));
    if (!look) return async () => null;
    const outcome = look.step?.do === "send" ? await bring(look.outside, look.step, signal) : undefined;
    return (tx) => settle(tx, look, outcome);
  };

  /** The next entry beyond the cursor that is for it to hear. */
  async function next(on: Reading, agentId: string): Promise<Look | undefined> {
    const outside = await store.byId(on, agentId);
    const facts = outside && (await identity.agents.factsOf(on, agentId));
    if (!outside || !facts) return undefined;
    const { entries, upTo } = await inbox.page(on, agentId, facts.cursor, PAGE);
    let done = facts.cursor;
    for (const entry of entries) {
      const step = await outgoing.step(on, agentId, entry);
      if (step.do !== "pass") return { outside, upTo: done, step };
      done = entry.id;
    }
    return { outside, upTo, step: undefined };
  }

  async function bring(
    outside: OutsideRow,
    step: Extract<Step, { do: "send" }>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const message = messageFor(step, relay);
    const request = { tenant: "", message, metadata: undefined, configuration: AT_ONCE };
    try {
      return { came: await contact.call(outside, "call", signal, (client) => client.sendMessage(request)) };
    } catch (error) {
      if (error instanceof RemoteError) return { failed: error };
      throw error;
    }
  }

  async function settle(tx: Tx, { outside, upTo, step }: Look, outcome: Outcome | undefined): Promise<number | null> {
    const { agentId } = outside;
    if (!(await store.isOutside(tx, agentId))) return null;
    await ack(tx, agentId, upTo);
    if (step?.do === "claim") return hold(tx, agentId, step.message);
    if (step?.do === "cancel") await due.hurry(tx, LOOK, keyOf(step.call), clock.now());
    if (step?.do === "send" && outcome) {
      const again = "failed" in outcome ? await failed(tx, outside, step, outcome.failed) : null;
      if (again !== null) return again;
      if ("came" in outcome) await brought(tx, outside, step, outcome.came);
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
  async function hold(tx: Tx, agentId: string, { id }: Incoming): Promise<number> {
    try {
      await claims.claim(tx, callerAs(agentId), id, agentId, LEASE_SECONDS);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await ack(tx, agentId, id);
    }
    return clock.now();
  }

  async function brought(tx: Tx, outside: OutsideRow, step: Extract<Step, { do: "send" }>, came: Task | Message) {
    await contact.succeeded(tx, outside);
    const call = step.going ?? (await begun(tx, outside.agentId, step));
    const now = await calls.came(tx, call, came);
    if (now.endedAt === null) await due.schedule(tx, LOOK, keyOf(now), clock.now() + FIRST_LOOK_MS);
    else await due.cancel(tx, LOOK, keyOf(now));
  }

  async function begun(tx: Tx, agentId: string, { message, work }: Extract<Step, { do: "send" }>): Promise<CallRow> {
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

  /** Answers when to try again; null when it is given up and its sender has been told. */
  async function failed(tx: Tx, outside: OutsideRow, step: Extract<Step, { do: "send" }>, error: RemoteError) {
    const { message } = step;
    const said = withoutAddresses(error.message, outside.cardUrl);
    const isOver = clock.now() - Date.parse(message.createdAt) >= GIVE_UP_MS;
    if (error.isFinal || isOver) {
      const why = error.isFinal ? said : `${outside.agentId} could not be reached for a day: ${said}`;
      await giveUp(tx, outside, step, why);
      return null;
    }
    const again = await contact.failed(tx, outside, error.message);
    if (outside.toldOf === message.id) return again;
    await store.change(tx, outside.agentId, { toldOf: message.id });
    await messages.tell(tx, message.from, {
      subject: `${outside.agentId} cannot be reached`,
      body: `Message ${message.id} waits: ${said} It is tried again until ${toTime(Date.parse(message.createdAt) + GIVE_UP_MS)} at the latest.`,
      replyTo: message.id,
      payload: { agentId: outside.agentId, waiting: message.id },
    });
    return again;
  }

  /** Answers a request or work with an error, and tells the sender of any other message. */
  async function giveUp(tx: Tx, { agentId }: OutsideRow, step: Extract<Step, { do: "send" }>, why: string) {
    const { message, going } = step;
    const call = going ?? (await begun(tx, agentId, step));
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

const FIRST_LOOK_MS = 1000;
export const keyOf = ({ agentId, messageId }: CallRow): string => `${agentId} ${messageId}`;

/** Asks for an answer at once: a task under way is followed by requests of its own. */
const AT_ONCE = {
  acceptedOutputModes: ["text/plain", "application/json"],
  taskPushNotificationConfig: undefined,
  historyLength: 0,
  returnImmediately: true,
};
