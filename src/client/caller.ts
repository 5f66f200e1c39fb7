import type { z } from "zod";
import type { Answers, Contract, Schema } from "../protocol/contract.ts";
import { whoAmI } from "../protocol/tokens.ts";
import { NoAgent } from "./errors.ts";
import type { Timing } from "./timing.ts";
import type { Answered, Call, Filled, Transport } from "./transport.ts";

/** A query with numbers as numbers. `page` is what the last answer had as `nextPage`, whatever that is made of. */
export type Query<S extends z.ZodType> = Partial<Omit<z.output<S>, "page">> & { page?: string };

/** A call of an operation that takes a key. With a key of the caller's own, a repeat by another process is recognised as well. */
export type Keyed = Call & { idempotencyKey?: string };

/** The members that a contract has to be filled with. */
export type Given<P, Q, B> = Pick<Filled, "key" | "repeatable" | "upload"> &
  (P extends Schema ? { params: Record<keyof z.output<P>, string | number> } : unknown) &
  (Q extends Schema ? { query?: Query<Q> } : unknown) &
  (B extends Schema ? { body: z.input<B> } : unknown);

/** A way to the relay, and in whose name. The groups of verbs are made from it. */
export interface Caller {
  readonly transport: Transport;
  readonly timing: Timing;
  /** The agent this client was made for, when one was named. */
  readonly agentId?: string;
  /** The registration its calls belong to, when one was named. */
  readonly instanceId?: string;
  /** Carries out one operation. */
  ask<P extends Schema | undefined, Q extends Schema | undefined, B extends Schema | undefined, A extends Answers>(
    contract: Contract<P, Q, B, A>,
    given: Given<P, Q, B>,
    call?: Call,
  ): Promise<Answered<A>>;
  /** As `ask`, under a key: the caller's, else one of our own. It is safe to send again what was not answered. */
  askOnce<P extends Schema | undefined, Q extends Schema | undefined, B extends Schema | undefined, A extends Answers>(
    contract: Contract<P, Q, B, A>,
    given: Given<P, Q, B>,
    call?: Keyed,
  ): Promise<Answered<A>>;
  /** `draft` with the agent acted for in `field`: its own, else the call's, else the client's, else none. */
  acting<D extends object>(field: keyof D & string, draft: D, call?: Call): D;
  /** The agent acted for: the call's, else the client's, else the token's own (asked once). */
  self(call?: Call): Promise<string>;
}

/**
 * Time first, as in UUIDv7: keys that rise cost the relay's index less. `crypto.randomUUID` is neither that nor there in a
 * browser that reached the relay by plain http.
 */
export const randomKey = (): string =>
  `${Date.now().toString(36)}-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`;

export function createCaller(
  transport: Transport,
  { timing, agentId, instanceId }: { timing: Timing; agentId?: string; instanceId?: string },
): Caller {
  let own: string | undefined;

  const ask: Caller["ask"] = async (contract, given, call) => (await transport.exchange(contract, given, call)).value;

  async function tokensAgent(call?: Call): Promise<string> {
    const who = await ask(whoAmI, {}, call);
    if (who.agentId === null)
      throw new NoAgent(`Name the agent to act for: this token has the role ${who.role} and belongs to no agent`);
    own = who.agentId;
    return own;
  }

  return {
    transport,
    timing,
    agentId,
    instanceId,
    ask,
    askOnce: (contract, given, { idempotencyKey = randomKey(), ...call } = {}) =>
      ask(contract, { ...given, key: idempotencyKey }, call),
    acting(field, draft, call) {
      const agent = draft[field] ?? call?.agentId ?? agentId;
      return agent ? { ...draft, [field]: agent } : draft;
    },
    async self(call) {
      return call?.agentId ?? agentId ?? own ?? (await tokensAgent(call));
    },
  };
}
