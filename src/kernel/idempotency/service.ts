import { createHash } from "node:crypto";
import { Problem } from "../../protocol/problem.ts";
import type { Clock } from "../clock.ts";
import type { Tx } from "../db/database.ts";
import type { IdempotencyStore } from "./store.ts";

/** Creating call that may be repeated. */
export interface Attempt<T> {
  /** Owner of the key: keys of different senders are independent. */
  sender: string;
  /** `undefined` when the call may not be repeated. */
  key: string | undefined;
  operation: string;
  /** Content of the call: the same key with other content is refused. The sender is no part of it, named or not. */
  asked: unknown;
  /** Creates the object; `subject` is its id. */
  make(): Promise<{ subject: string; made: T }>;
  /** Reads the object created before; `undefined` when it is gone and the key is free again. */
  again(subject: string): Promise<T | undefined>;
}

/** Gives the same answer to the same sender and key, as long as the created object is kept. */
export function createIdempotency(store: IdempotencyStore, clock: Clock) {
  return {
    /** Looks the key up inside the write, before any other check. @throws Problem 422 idempotency-mismatch */
    async once<T>(tx: Tx, attempt: Attempt<T>): Promise<{ made: T; replayed: boolean }> {
      const { sender, key, operation, asked, make, again } = attempt;
      if (key === undefined) return { made: (await make()).made, replayed: false };
      const fingerprint = hash([operation, asked]);
      const known = await store.find(tx, sender, key);
      // The object of another operation cannot be read here: its key stays taken.
      const isOther = known !== undefined && known.operation !== operation;
      const before = known && !isOther ? await again(known.subject) : undefined;
      if (isOther || (before !== undefined && known?.fingerprint !== fingerprint)) Problem.keyReused(key);
      if (before !== undefined) return { made: before, replayed: true };
      const { subject, made } = await make();
      await store.put(tx, { sender, key, operation, fingerprint, subject, createdAt: clock.now() });
      return { made, replayed: false };
    },

    /**
     * Deletes at most `limit` keys of an operation used before `at`; answers their number. For operations that create no
     * object, such as an event that only changes one.
     */
    forget: (tx: Tx, operation: string, at: number, limit: number): Promise<number> =>
      store.removeBefore(tx, operation, at, limit),
  };
}

const hash = (content: unknown): string => createHash("sha256").update(JSON.stringify(content)).digest("base64url");
