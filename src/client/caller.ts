import type { z } from "zod";
import type { Answers, Contract, Schema } from "../protocol/contract.ts";
import { whoAmI } from "../protocol/tokens.ts";
import { NoAgent } from "./errors.ts";
import type { Timing } from "./timing.ts";
import type { Answered, Call, Filled, Transport } from "./transport.ts";

/** Query with numbers as numbers. `page` is the `nextPage` of the last answer. */
export type Query<S extends z.ZodType> = Partial<Omit<z.output<S>, "page">> & { page?: string };

/** Call of an operation that takes a key. The relay also recognises a repeat by another process when the caller chooses the key. */
export type Keyed = Call & { idempotencyKey?: string };

/** Members that a contract needs. */
export type Given<P, Q, B> = Pick<Filled, "key" | "repeatable" | "upload"> &
  (P extends Schema ? { params: Record<keyof z.output<P>, string | number> } : unknown) &
  (Q extends Schema ? { query?: Query<Q> } : unknown) &
  (B extends Schema ? { body: z.input<B> } : unknown);

/** Connection to the relay, and the agent acted for. The groups of verbs are made from it. */
export interface Caller {
  readonly transport: Transport;
  readonly timing: Timing;
  /** Agent that this client was created for. */
  readonly agentId?: string;
  /** Registration that its calls belong to. */
  readonly instanceId?: string;
  /** Carries out one operation. */
  ask<P extends Schema | undefined, Q extends Schema | undefined, B extends Schema | undefined, A extends Answers>(
    contract: Contract<P, Q, B, A>,
    given: Given<P, Q, B>,
    call?: Call,
  ): Promise<Answered<A>>;
  /** As `ask`, with an idempotency key: the caller's, else one of our own. A call without an answer can be repeated. */
  askOnce<P extends Schema | undefined, Q extends Schema | undefined, B extends Schema | undefined, A extends Answers>(
    contract: Contract<P, Q, B, A>,
    given: Given<P, Q, B>,
    call?: Keyed,
  ): Promise<Answered<A>>;
  /** Sets `field` of `draft` to the agent acted for, unless it is set: the call's agent, else the client's, else none. */
  acting<D extends object>(field: keyof D & string, draft: D, call?: Call): D;
  /** Agent acted for: the call's, else the client's, else the token's own (asked once). */
  self(call?: Call): Promise<string>;
}

/**
 * Time first, as in UUIDv7: rising keys cost the relay's index less. `crypto.randomUUID` does not rise, and browsers lack it on plain
 * http.
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
