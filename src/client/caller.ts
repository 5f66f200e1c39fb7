import { z } from "zod";
import { WhoAmI } from "../protocol/tokens.ts";
import { NoAgent } from "./errors.ts";
import type { Timing } from "./timing.ts";
import type { Call, Exchange, Transport } from "./transport.ts";

/** What the groups of verbs are made from: a way to the relay, and in whose name. */
export interface Caller {
  readonly transport: Transport;
  readonly timing: Timing;
  /** The agent this client was made for, when one was named. */
  readonly agentId?: string;
  /** The registration its calls belong to, when one was named. */
  readonly instanceId?: string;
  /** One call, its parsed answer. */
  ask<A extends z.ZodType>(exchange: Exchange<A>, call?: Call): Promise<z.output<A>>;
  /** The agent acted for: the call's, else the client's, else the token's own (asked once). */
  self(call?: Call): Promise<string>;
}

/** A query with numbers as numbers. `page` is what the last answer had as `nextPage`, whatever that is made of. */
export type Query<S extends z.ZodType> = Partial<Omit<z.output<S>, "page">> & { page?: string };

/** For answers that say nothing but that it is done. */
export const Nothing = z.unknown();

/** One part of a path: channel agents' ids have a colon. */
export const part = (id: string | number): string => encodeURIComponent(id);

export function createCaller(
  transport: Transport,
  { timing, agentId, instanceId }: { timing: Timing; agentId?: string; instanceId?: string },
): Caller {
  let own: string | undefined;

  async function ask<A extends z.ZodType>(exchange: Exchange<A>, call?: Call): Promise<z.output<A>> {
    return (await transport.exchange(exchange, call)).value;
  }

  async function tokensAgent(call?: Call): Promise<string> {
    const who = await ask({ method: "GET", path: "/v1/whoami", answer: WhoAmI, repeatable: true }, call);
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
    async self(call) {
      return call?.agentId ?? agentId ?? own ?? (await tokensAgent(call));
    },
  };
}
