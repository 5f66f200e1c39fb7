import { createHash } from "node:crypto";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Sent } from "./draft.ts";

/** Longest header that keys are made of as it is: the place of the message comes behind it, and a key has 255 characters. */
const LONGEST = 250;

/** The drafts of a batch under the header's key: one without a key of its own gets `<header>/<place>`. */
export function underKey<D extends ParsedDraft | Problem>(
  drafts: readonly D[],
  header: string | undefined,
): readonly D[] {
  if (header === undefined) return drafts;
  const stem = header.length > LONGEST ? createHash("sha256").update(header).digest("base64url") : header;
  return drafts.map((draft, place) =>
    draft instanceof Problem || draft.idempotencyKey ? draft : { ...draft, idempotencyKey: `${stem}/${place}` },
  );
}

/** @throws Problem 422 when a key comes twice, as it could stand for either draft */
export function checkKeys(caller: Caller, drafts: readonly ParsedDraft[]): void {
  const seen = new Set<string>();
  for (const [index, { idempotencyKey, from }] of drafts.entries()) {
    if (!idempotencyKey) continue;
    const key = `${from ?? caller.agentId} ${idempotencyKey}`;
    if (seen.has(key)) throw Problem.invalid(`/messages/${index}/idempotencyKey`, "stands twice in this batch");
    seen.add(key);
  }
}

/**
 * A batch of all or nothing that was sent before under the header's key is known as a whole.
 * @throws Problem 422 idempotency-mismatch when a part of it is new
 */
export function requireWhole(drafts: readonly ParsedDraft[], header: string | undefined, sent: readonly Sent[]): void {
  if (header === undefined) return;
  const under = sent.filter((_, place) => !drafts[place]?.idempotencyKey);
  const known = under.filter(({ replayed }) => replayed).length;
  if (known > 0 && known < under.length) Problem.keyReused(header);
}
