import { AgentCard } from "@a2a-js/sdk";
import type { Client } from "@a2a-js/sdk/client";
import type { Areas } from "../../core/core.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { backoffMs } from "../../kernel/egress/post.ts";
import { createSeal } from "../../kernel/seal.ts";
import { callerAs } from "./calls.ts";
import { ANSWER_MS, DELIVER, SECRETS, SEND_MS } from "./kinds.ts";
import { asRemoteError, createRemote, type FetchedCard, RemoteError } from "./remote.ts";
import type { ExternalRow, ExternalStore } from "./store.ts";

/** Requests to an external agent: fetch its card, bring a message, read the state of a task. */
type RequestKind = "card" | "call" | "look";

/** Notes the end of a request that the relay made. */
export type Note = (what: RequestKind | "push", isGood: boolean) => void;

/** Time between two fetches of a card; a failed one is tried sooner. */
const REFRESH_MS = 300_000;
const FIRST_RETRY_MS = 2000;
const MAX_RETRY_MS = 300_000;

export type Contact = ReturnType<typeof createContact>;

/** Reaches external agents: fetches their cards at intervals, and calls them. */
export function createContact({ kernel, identity }: Areas, store: ExternalStore, note: Note) {
  const { db, due, clock, egress, key } = kernel;
  const { agents } = identity;
  const remote = createRemote(egress);
  const seal = createSeal(key, SECRETS);

  const refresh: OutsideWork = async ({ key: agentId }, signal) => {
    const external = await db.read((on) => store.byId(on, agentId));
    if (!external) return async () => null;
    const etag = external.card === null ? null : external.etag;
    const fetched = await remote.card(external.cardUrl, etag, signal).catch(asRemoteError);
    note("card", !(fetched instanceof RemoteError));
    return async (tx) => {
      const now = await store.byId(tx, agentId);
      if (!now) return null;
      // The operator has changed the address meanwhile: fetch the new one at once.
      if (now.cardUrl !== external.cardUrl) return clock.now();
      if (fetched instanceof RemoteError) return failed(tx, now, fetched.message);
      if (fetched) await learn(tx, now, fetched);
      await succeeded(tx, now);
      return clock.now() + REFRESH_MS;
    };
  };

  /** Takes over description and skills from the card. */
  async function learn(tx: Tx, { agentId }: ExternalRow, { card, etag }: NonNullable<FetchedCard>): Promise<void> {
    await store.change(tx, agentId, { card: JSON.stringify(AgentCard.toJSON(card)), etag });
    const skills = card.skills.slice(0, 64).map(({ name, description }) => ({
      name: clean(name, 40) || "skill",
      description: description.toWellFormed().slice(0, 600),
    }));
    const description = card.description.toWellFormed().slice(0, 1300);
    await agents.patch(tx, callerAs(agentId), agentId, { description, skills, rig: "A2A", reach: "idle" });
  }

  async function succeeded(tx: Tx, { agentId, state }: ExternalRow): Promise<void> {
    const fine = { state: "reachable" as const, error: null, failures: 0, failingSince: null, checkedAt: clock.now() };
    await store.change(tx, agentId, fine);
    if (state === "reachable") return;
    await agents.heartbeat(tx, callerAs(agentId), agentId, { status: "online" });
    await due.hurry(tx, DELIVER, agentId, clock.now());
  }

  /** Answers when to try again. */
  async function failed(tx: Tx, external: ExternalRow, error: string): Promise<number> {
    const { agentId, failures, failingSince, state } = external;
    const now = clock.now();
    const change = { error, failures: failures + 1, failingSince: failingSince ?? now, checkedAt: now };
    await store.change(tx, agentId, { ...change, state: external.card === null ? "pending" : "unreachable" });
    if (state !== "unreachable") await agents.heartbeat(tx, callerAs(agentId), agentId, { status: "offline" });
    return now + backoffMs(failures, FIRST_RETRY_MS, MAX_RETRY_MS);
  }

  return {
    refresh,
    succeeded,
    failed,
    /** @throws RemoteError */
    async call<T>(
      external: ExternalRow,
      what: RequestKind,
      signal: AbortSignal,
      act: (client: Client) => Promise<T>,
    ): Promise<T> {
      const { agentId, cardUrl, card, token } = external;
      if (card === null) throw new RemoteError(external.error ?? "Its card has not been fetched yet.", false);
      const opened = token === null ? undefined : seal.tryOpen(token, agentId);
      if (token !== null && opened === undefined)
        throw new RemoteError("Its token was sealed with another key: set it again.", false);
      const at = {
        card: AgentCard.fromJSON(JSON.parse(card)),
        cardUrl,
        token: opened,
        signal,
        timeoutMs: what === "call" ? SEND_MS : ANSWER_MS,
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
