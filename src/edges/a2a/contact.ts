import { AgentCard } from "@a2a-js/sdk";
import type { Client } from "@a2a-js/sdk/client";
import type { Areas } from "../../core/core.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { callerAs } from "./calls.ts";
import { DELIVER, LOOK_MS, SEND_MS } from "./kinds.ts";
import { type Fetched, type Remote, RemoteError } from "./remote.ts";
import type { Seal } from "./seal.ts";
import type { OutsideRow, OutsideStore } from "./store.ts";

/** Requests to an agent of another machine: for its card, to take a message, for the state of a task. */
export type Asked = "card" | "call" | "look";

interface Means {
  remote: Remote;
  seal: Seal;
  /** Notes the end of a request. */
  note(what: Asked, isGood: boolean): void;
}

/** Time between two fetches of a card; a failed one is tried sooner. */
const REFRESH_MS = 300_000;
const FIRST_RETRY_MS = 2000;
const MAX_RETRY_MS = 300_000;

export type Contact = ReturnType<typeof createContact>;

/** Reaches agents of other machines: fetches their cards again and again, and calls them. */
export function createContact({ kernel, identity }: Areas, store: OutsideStore, { remote, seal, note }: Means) {
  const { db, due, clock } = kernel;
  const { agents } = identity;

  const refresh: OutsideWork = async ({ key }, signal) => {
    const outside = await db.read((on) => store.byId(on, key));
    if (!outside) return async () => null;
    let fetched: Fetched | RemoteError;
    try {
      fetched = await remote.card(outside.cardUrl, outside.card === null ? null : outside.etag, signal);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      fetched = error;
    }
    note("card", !(fetched instanceof RemoteError));
    return async (tx) => {
      const now = await store.byId(tx, key);
      if (!now) return null;
      // The operator has changed the address meanwhile: fetch the new one at once.
      if (now.cardUrl !== outside.cardUrl) return clock.now();
      if (fetched instanceof RemoteError) return failed(tx, now, fetched.message);
      if (fetched) await learn(tx, now, fetched);
      await succeeded(tx, now);
      return clock.now() + REFRESH_MS;
    };
  };

  /** Takes over description and skills from the card. */
  async function learn(tx: Tx, { agentId }: OutsideRow, { card, etag }: NonNullable<Fetched>): Promise<void> {
    await store.change(tx, agentId, { card: JSON.stringify(AgentCard.toJSON(card)), etag });
    const skills = card.skills.slice(0, 64).map(({ name, description }) => ({
      name: clean(name, 40) || "skill",
      description: description.toWellFormed().slice(0, 600),
    }));
    const description = card.description.toWellFormed().slice(0, 1300);
    await agents.patch(tx, callerAs(agentId), agentId, { description, skills, rig: "A2A", reach: "idle" });
  }

  async function succeeded(tx: Tx, { agentId, state }: OutsideRow): Promise<void> {
    const fine = { state: "reachable" as const, error: null, failures: 0, failingSince: null, checkedAt: clock.now() };
    await store.change(tx, agentId, fine);
    if (state === "reachable") return;
    await agents.heartbeat(tx, callerAs(agentId), agentId, { status: "online" });
    await due.hurry(tx, DELIVER, agentId, clock.now());
  }

  /** Answers when to try again. */
  async function failed(tx: Tx, outside: OutsideRow, error: string): Promise<number> {
    const { agentId, failures, failingSince, state } = outside;
    const now = clock.now();
    const change = { error, failures: failures + 1, failingSince: failingSince ?? now, checkedAt: now };
    await store.change(tx, agentId, { ...change, state: outside.card === null ? "pending" : "unreachable" });
    if (state !== "unreachable") await agents.heartbeat(tx, callerAs(agentId), agentId, { status: "offline" });
    return now + Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 20), MAX_RETRY_MS);
  }

  return {
    refresh,
    succeeded,
    failed,
    /** @throws RemoteError */
    async call<T>(
      outside: OutsideRow,
      what: Asked,
      signal: AbortSignal,
      act: (client: Client) => Promise<T>,
    ): Promise<T> {
      const { agentId, cardUrl, card, token } = outside;
      if (card === null) throw new RemoteError(outside.error ?? "Its card has not been fetched yet.", false);
      const opened = token === null ? undefined : seal.open(token, agentId);
      if (token !== null && opened === undefined)
        throw new RemoteError("Its token was sealed with another key: set it again.", false);
      const at = {
        card: AgentCard.fromJSON(JSON.parse(card)),
        cardUrl,
        token: opened,
        signal,
        timeoutMs: what === "call" ? SEND_MS : LOOK_MS,
      };
      try {
        const answer = await remote.call(at, act);
        note(what, true);
        return answer;
      } catch (error) {
        note(what, false);
        throw error;
      }
    },
  };
}

const clean = (text: string, length: number): string =>
  text
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, " ")
    .slice(0, length);
