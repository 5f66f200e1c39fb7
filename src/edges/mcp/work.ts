import { z } from "zod";
import type { WorkItem } from "../../core/work/items.ts";
import { check } from "../../kernel/http/body.ts";
import { toTime } from "../../protocol/wire.ts";
import { ClaimNext, Complete, Fail, Release, Renew } from "../../protocol/work.ts";
import { type Envelopes, type Letter, PREFACE } from "../envelope/envelope.ts";
import { letterOf } from "../envelope/letters.ts";
import { envelopesFor, withProgress } from "./services.ts";
import { budget, id, roomIn, tool, wait } from "./tool.ts";

export const claim = tool({
  name: "claim",
  description: "Take the next work for you, or one by id. You hold it until the lease ends; finish it with its token.",
  input: z.strictObject({
    id: id.optional(),
    wait,
    lease: z.int().min(1).max(86_400).default(600).describe("Seconds."),
    budget: budget(4000),
  }),
  output: z.object({
    text: z.string(),
    id: z.int().optional(),
    token: z.string().optional(),
    until: z.string().optional(),
  }),
  async run(areas, turn, { id, wait, lease, budget: tokens }) {
    const { caller, signal } = turn;
    const want = check(ClaimNext, { leaseSeconds: lease, waitSeconds: wait }, "");
    const [taken] =
      id === undefined
        ? await withProgress(areas, turn, wait, () => areas.core.work.queue.next(caller, caller.agentId, want, signal))
        : [await areas.kernel.db.write((tx) => areas.core.work.claims.claim(tx, caller, id, undefined, lease))];
    const total = Math.max(1, wait);
    if (!taken?.lease) {
      turn.progress(total, total, "no work");
      return { text: "No work.", facts: { text: "No work." } };
    }
    turn.progress(total, total, `holds ${taken.entry.id}`);
    const replied = await areas.kernel.db.read((on) =>
      areas.core.messages.parents.forModel(on, caller.agentId, [taken.entry]),
    );
    const letter = letterOf(taken.entry, taken.work, replied.of(taken.entry.id));
    const text = heldText(taken, letter, envelopesFor(areas, turn), tokens);
    await areas.kernel.db.read((on) => replied.noteShown(on, caller, [taken.entry.id]));
    const { token, expiresAt } = taken.lease;
    return { text, facts: { text, id: taken.entry.id, token, until: toTime(expiresAt) } };
  },
});

function heldText(taken: WorkItem, letter: Letter, envelopes: Envelopes, tokens: number): string {
  const { entry, work, lease } = taken;
  if (!lease) return "";
  const head =
    `You hold ${entry.id}, attempt ${lease.attempt} of ${work.maxAttempts}, until ${toTime(lease.expiresAt)}.\n` +
    `finish {"id":${entry.id},"token":"${lease.token}"}`;
  const room = roomIn(tokens, 160);
  return [head, PREFACE, envelopes.message(letter, { tokens: room, withPayload: true }).text].join("\n");
}

export const finish = tool({
  name: "finish",
  description:
    "End a claim: complete (text goes to the sender), release (back to the queue) or fail (retried unless final). Or renew its lease, with text as a report of progress to the sender.",
  input: z.strictObject({
    id,
    token: z.string(),
    how: z.enum(["complete", "release", "fail", "renew"]),
    text: z.string().optional().describe("Result, progress, or why."),
    final: z.boolean().default(false).describe("fail: no more attempts."),
  }),
  output: z.object({ id: z.int(), state: z.string(), until: z.string().optional() }),
  hints: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
  async run(areas, turn, { id, token, how, text, final }) {
    const { caller } = turn;
    const { work, lease } = await areas.kernel.db.write<WorkItem>(async (tx) => {
      if (how === "release")
        return areas.core.work.holders.release(tx, caller, id, check(Release, { token, reason: text }, ""));
      if (how === "fail")
        return areas.core.work.holders.fail(
          tx,
          caller,
          id,
          check(Fail, { token, error: text ?? "failed", final }, "") as Fail,
        );
      if (how === "renew") {
        const body = check(Renew, { token, ...(text ? { progress: text } : {}) }, "");
        return areas.core.work.holders.renew(tx, caller, id, body);
      }
      const body = check(Complete, { token, ...(text === undefined ? {} : { result: text }) }, "");
      return areas.core.work.holders.complete(tx, caller, id, body);
    });
    const until = lease && how === "renew" ? toTime(lease.expiresAt) : undefined;
    turn.progress(1, 1, `${id} is ${work.state}`);
    const said = `${id} is ${work.state}${until ? ` until ${until}` : ""}.`;
    return { text: said, facts: { id, state: work.state, ...(until ? { until } : {}) } };
  },
});
