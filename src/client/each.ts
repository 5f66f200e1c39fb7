import { z } from "zod";
import type { Contract } from "../protocol/contract.ts";
import { problemOfItem, RelayMismatch, type RelayProblem } from "./errors.ts";
import type { Call, Filled, Transport } from "./transport.ts";

/** In place of an item's answer. The problem is read as loosely as that of a whole answer: it may be one of a newer relay. */
const Refused = z.object({
  problem: z.looseObject({ status: z.int() }),
  retryAfterSeconds: z.number().optional(),
});

/**
 * Call of an operation that answers `count` items each by itself: an answer of the shape `item`, or its problem, in the order of the
 * request.
 */
export function eachBy<S extends z.ZodType<object>>(contract: Contract, item: S) {
  const schema = z.object({ items: z.array(z.union([item, Refused])) });
  const asked = { ...contract, answers: { 200: { description: "The answer to each.", schema } } };
  return async (
    transport: Transport,
    filled: Filled,
    { count, call }: { count: number; call: Call },
  ): Promise<(z.output<S> | RelayProblem)[]> => {
    const { value } = await transport.exchange(asked, filled, call);
    if (value.items.length !== count)
      throw new RelayMismatch(`${contract.path} answered ${value.items.length} of ${count} items`);
    return value.items.map((one) => (isRefused(one) ? problemOfItem(one) : (one as z.output<S>)));
  };
}

const isRefused = (one: object): one is z.output<typeof Refused> => "problem" in one;
