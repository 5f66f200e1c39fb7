import type { z } from "zod";
import type { Contract } from "../protocol/contract.ts";
import { problemOfItem, RelayMismatch, type RelayProblem } from "./errors.ts";
import type { Call, Filled, Transport } from "./transport.ts";

type Items = z.ZodType<{ items: object[] }>;
type Refused = { problem: { status: number }; retryAfterSeconds?: number | undefined };
type Answer<S extends Items> = Exclude<z.output<S>["items"][number], Refused>;

/**
 * Call of an operation that answers `count` items each by itself: by an answer, or its problem, in the order of the request.
 * @param schema all of them, answered and refused
 */
export function eachBy<S extends Items>(contract: Contract, schema: S) {
  const asked = { ...contract, answers: { 200: { description: "The answer to each.", schema } } };
  return async (
    transport: Transport,
    filled: Filled,
    { count, call }: { count: number; call: Call },
  ): Promise<(Answer<S> | RelayProblem)[]> => {
    const { items } = (await transport.exchange(asked, filled, call)).value as z.output<S>;
    if (items.length !== count) throw new RelayMismatch(`${contract.path} answered ${items.length} of ${count} items`);
    return items.map((one) => (isRefused(one) ? problemOfItem(one) : (one as Answer<S>)));
  };
}

const isRefused = (one: object): one is Refused => "problem" in one;
