import type { Message, Task } from "@a2a-js/sdk";
import type { Inbox } from "../../core/inbox/inbox.ts";
import type { Sender } from "../../core/messages/send.ts";
import { type Claims, tokenOf } from "../../core/work/claims.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { Due } from "../../kernel/due/due.ts";
import type { DueRow } from "../../kernel/due/store.ts";
import { withoutAddresses } from "../../kernel/egress/addresses.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import { type Calls, callerAs } from "./calls.ts";
import type { Contact } from "./contact.ts";
import { LOOK } from "./kinds.ts";
import { type Incoming, messageFor, type Outgoing, type Step } from "./outgoing.ts";
import { RemoteError } from "./remote.ts";
import type { CallRow, OutsideRow, OutsideStore } from "./store.ts";

export interface DeliverParts {
  db: { read<T>(act: (on: Reading) => Promise<T>): Promise<T> };
  store: OutsideStore;
  inbox: Inbox;
  agents: { factsOf(on: Reading, id: string): Promise<{ cursor: number } | undefined> };
  outgoing: Outgoing;
  contact: Contact;
  calls: Calls;
  claims: Claims;
  sender: Sender;
  due: Due;
  clock: Clock;
  /** This relay's own, for message ids. */
  relay: string;
}

/** Entries looked at in one go. */
const PAGE = 50;
const LEASE_SECONDS = 86_400;
/** How long a message is tried again. What has a deadline or an expiry of its own is over before that. */
const GIVE_UP_MS = 86_400_000;

/** What there is to do for one agent, as it was read. */
interface Look {
  outside: OutsideRow;
  /** Everything up to here is done with. */
  upTo: number;
  step: Exclude<Step, { do: "pass" }> | undefined;
}

type Outcome = { came: Task | Message } | { failed: RemoteError };

/** Brings what is in the inbox of an agent out there to it, in order and one after the other, and tries again. */
export function createDeliverer(parts: DeliverParts) {
  const { db, store, inbox, agents, outgoing, contact, calls, claims, sender, due, clock, relay } = parts;

  async function work(row: DueRow, signal: AbortSignal): Promise<(tx: Tx) => Promise<number | null>> {
    const agentId = row.key;
    const look = await db.read((on) => next(on, agentId));
    if (!look) return async () => null;
    const outcome = look.step?.do === "send" ? await bring(look.outside, look.step, signal) : undefined;
    return (tx) => settle(tx, look, outcome);
  }

  /** The next entry beyond the cursor that is for it to hear. */
  async function next(on: Reading, agentId: string): Promise<Look | undefined> {
    const outside = await store.byId(on, agentId);
    const facts = outside && (await agents.factsOf(on, agentId));
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

  /** Work is held before it is brought anywhere: the next time it is sent, or passed over when somebody else was first. */
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

  /** Answers when to try again; null when that was it: its sender has been told. */
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
    await sender.tell(tx, message.from, {
      subject: `${outside.agentId} cannot be reached`,
      body: `Message ${message.id} waits: ${said} It is tried again until ${toTime(Date.parse(message.createdAt) + GIVE_UP_MS)} at the latest.`,
      replyTo: message.id,
      payload: { agentId: outside.agentId, waiting: message.id },
    });
    return again;
  }

  /** What owes an answer gets one, whoever just said something is told. */
  async function giveUp(tx: Tx, { agentId }: OutsideRow, step: Extract<Step, { do: "send" }>, why: string) {
    const { message, going } = step;
    const call = going ?? (await begun(tx, agentId, step));
    if (call.delegationId !== null || call.claimToken !== null) await calls.answer(tx, call, { text: "", error: why });
    else
      await sender.tell(tx, message.from, {
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

/** It is not waited for: what is under way is looked after. */
const AT_ONCE = {
  acceptedOutputModes: ["text/plain", "application/json"],
  taskPushNotificationConfig: undefined,
  historyLength: 0,
  returnImmediately: true,
};
