import { createHash } from "node:crypto";
import { Problem } from "../../protocol/problem.ts";
import type { Clock } from "../clock.ts";
import type { Tx } from "../db/database.ts";
import type { IdempotencyStore } from "./store.ts";

/** One creating call, as far as its repetition is concerned. */
export interface Attempt<T> {
  /** In whose name: keys of different senders have nothing to do with each other. */
  sender: string;
  /** undefined: the call is not to be recognised again. */
  key: string | undefined;
  operation: string;
  /** What was asked for: the same key with other content is refused. */
  asked: unknown;
  /** Makes it, and names what was made. */
  make(): Promise<{ subject: string; made: T }>;
  /** What was made before, as it is now; undefined when it is not kept any more, and the key is free again. */
  again(subject: string): Promise<T | undefined>;
}

/** The same sender and key give the same answer, for as long as what was made is kept, whatever changed meanwhile. */
export function createIdempotency(store: IdempotencyStore, clock: Clock) {
  return {
    /** Looked up inside the write, so that it comes before every other check. @throws Problem 422 idempotency-mismatch */
    async once<T>(tx: Tx, attempt: Attempt<T>): Promise<{ made: T; replayed: boolean }> {
      const { sender, key, operation, asked, make, again } = attempt;
      if (key === undefined) return { made: (await make()).made, replayed: false };
      const fingerprint = hash([operation, asked]);
      const known = await store.find(tx, sender, key);
      // What another operation made cannot be looked up here: as long as its key is known, it is taken.
      const isOther = known !== undefined && known.operation !== operation;
      const before = known && !isOther ? await again(known.subject) : undefined;
      if (isOther || (before !== undefined && known?.fingerprint !== fingerprint))
        throw new Problem("idempotency-mismatch", `${key} was used before, with other content.`);
      if (before !== undefined) return { made: before, replayed: true };
      const { subject, made } = await make();
      await store.put(tx, { sender, key, operation, fingerprint, subject, createdAt: clock.now() });
      return { made, replayed: false };
    },

    /**
     * Deletes at most `limit` keys of an operation that were used before `at`; answers how many. For what is not kept by
     * itself: an event that only changed something.
     */
    forget: (tx: Tx, operation: string, at: number, limit: number): Promise<number> =>
      store.removeBefore(tx, operation, at, limit),
  };
}

const hash = (content: unknown): string => createHash("sha256").update(JSON.stringify(content)).digest("base64url");
