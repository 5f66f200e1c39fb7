import type { Areas } from "../../core/core.ts";
import type { Commands } from "../../features/commands/commands.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import type { DelegationStep } from "../../features/delegations/outcomes.ts";
import type { Holds } from "../../features/holds/holds.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { CommandInput } from "../../protocol/commands.ts";
import type { DelegationChange } from "../../protocol/delegations.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Session } from "../../protocol/sessions.ts";
import type { Standing } from "../channels/access.ts";
import { conversationAt, type Place } from "../channels/place.ts";
import type { Posts } from "./posts.ts";
import { type OrderRow, chatCommandStore as store } from "./store.ts";
import { nameOf, resultText } from "./texts.ts";

/** Time that a daemon has to carry out a command of a chat. */
const TIMEOUT_SECONDS = 180;

/** Holds that one command shows, or lifts. */
const MAX_HOLDS = 20;

/** A command to a daemon, of somebody in a chat. */
interface Order {
  act: OrderRow["act"];
  name: string;
  orchestratorId: string;
  command: CommandInput;
}

export type Orders = ReturnType<typeof createOrders>;

/** Commands to daemons: given as the person who wrote, and answered in the chat that gave them. */
export function createOrders(
  { kernel, commands, delegations, holds }: Areas & { commands: Commands; delegations: Delegations; holds: Holds },
  posts: Posts,
) {
  const { clock } = kernel;

  async function give(tx: Tx, place: Place, standing: Standing, order: Order): Promise<void> {
    const { act, name, orchestratorId } = order;
    const conversation = conversationAt(place);
    const body = { command: order.command as never, timeoutSeconds: TIMEOUT_SECONDS };
    const giving = async () =>
      (await commands.service()).post(tx, callerOf(place, standing, act), orchestratorId, body, {
        key: undefined,
        token: null,
      });
    try {
      const { made } = await tx.attempt(giving);
      await store.addOrder(tx, { delegationId: made.id, act, name, conversation, createdAt: clock.now() });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await posts.say(tx, conversation, `Couldn't ${act} ${name}: ${error.message}`);
    }
  }

  const toSession = (session: Session, act: OrderRow["act"], verb: "peek" | "kill" | "interrupt"): Order => ({
    ...{ act, name: nameOf(session), orchestratorId: session.orchestratorId },
    command: { do: verb, sessionId: session.id },
  });

  return {
    async peek(tx: Tx, place: Place, standing: Standing, session: Session): Promise<void> {
      await posts.say(tx, conversationAt(place), `Peeking at ${nameOf(session)}…`);
      await give(tx, place, standing, toSession(session, "peek", "peek"));
    },
    kill: (tx: Tx, place: Place, standing: Standing, session: Session): Promise<void> =>
      give(tx, place, standing, toSession(session, "kill", "kill")),
    stop: (tx: Tx, place: Place, standing: Standing, session: Session): Promise<void> =>
      give(tx, place, standing, toSession(session, "stop", "interrupt")),
    clear: (tx: Tx, place: Place, standing: Standing, { agentId, orchestratorId }: Session): Promise<void> =>
      give(tx, place, standing, {
        ...{ act: "clear", name: agentId, orchestratorId },
        command: { do: "clear", agentId, place: { conversation: conversationAt(place) } },
      }),

    /** Holds everything for a reason, lifts every hold, or says what is held. For operators and members. */
    async hold(tx: Tx, place: Place, standing: Standing, rest: string): Promise<void> {
      const chat = conversationAt(place);
      const { person } = standing;
      if (!person || person.role === "viewer") return posts.say(tx, chat, "Operators and members alone hold work.");
      const caller = callerOf(place, standing, "hold");
      if (rest !== "" && !/^lift$/i.test(rest)) {
        const draft = { scope: "all" as const, mode: "interrupt" as const, reason: rest };
        const { made } = await holds.service.create(tx, caller, draft, undefined);
        const told = `${made.sessions.length} sessions were told to stop`;
        return posts.say(tx, chat, `Everything is held (${made.id}); ${told}. Lift it: /hold lift`);
      }
      const { items } = await holds.service.list(tx, caller, { lifted: "false", limit: MAX_HOLDS });
      if (items.length === 0) return posts.say(tx, chat, "Nothing is held. Hold everything: /hold and the reason");
      if (rest !== "") for (const { id } of items) await holds.service.lift(tx, caller, id);
      const lines = items.map(({ id, reason }) => `${id}: ${reason}`);
      return posts.say(tx, chat, [rest === "" ? "Held. Lift it: /hold lift" : "Lifted:", ...lines].join("\n"));
    },

    /** Brings the answer of a daemon to the chat that gave the command. */
    async followDelegation(tx: Tx, { id }: DelegationChange, { ended }: DelegationStep): Promise<void> {
      const order = ended === undefined ? undefined : await store.order(tx, id);
      const row = order && (await delegations.store.byId(tx, id));
      if (!order || !row) return;
      await store.dropOrder(tx, id);
      await posts.say(tx, order.conversation, resultText(order, await delegations.show(tx, row)));
    },
  };
}

/**
 * The person who wrote, as the caller of a command. Rights were decided by the chat; `clear`, which operators alone give elsewhere,
 * is for the chat's own session.
 */
const callerOf = ({ channelId }: Place, { person }: Standing, act: OrderRow["act"] | "hold"): Caller => ({
  ...{ tokenId: `chat:${channelId}`, role: act === "clear" ? "operator" : "member", agentId: "user" },
  ...{ groups: [], prefix: null, source: null, personId: person?.id ?? null },
  ...{ instanceId: null, requestId: `chat_${channelId}` },
});
