import type { Caller } from "../../identity/auth/caller.ts";
import { RawJson } from "../../identity/auth/route.ts";
import { createPauses } from "../../kernel/breathe.ts";
import { nextLink } from "../../kernel/http/link.ts";
import type { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import { eachJson } from "../each.ts";
import type { WorkItem } from "../work/items.ts";
import type { Sent } from "./draft.ts";
import { messageJson } from "./entry.ts";

/** Answers as JSON text: entries are serialised once, and only put together here. */

/** One sent message, or the schedule it became. `more`: members to add. */
export function sentJson(sent: Sent, inBatch: boolean, more = ""): string {
  const replayed = `${inBatch ? `,"replayed":${sent.replayed}` : ""}${more}`;
  if (sent.kind === "scheduled")
    return `{"scheduleId":"${sent.scheduleId}","deliverAt":"${toTime(sent.deliverAt)}"${replayed}}`;
  const suggestions = sent.suggestions ? `,"suggestions":${JSON.stringify(sent.suggestions)}` : "";
  return messageJson(sent.entry, sent.work, `,"matched":${sent.matched}${suggestions}${replayed}`);
}

const REPLAYED = { "idempotent-replayed": "true" };
/** Whether all of a batch was sent before. */
const areReplays = (outcomes: readonly (Sent | Problem)[]): boolean =>
  outcomes.length > 0 && outcomes.every((one) => "replayed" in one && one.replayed);

/** The answer to a batch. Putting 8 MiB together takes 20 ms: other requests go on between its steps. */
export async function batchAnswer(items: readonly Sent[]) {
  const pause = createPauses();
  const texts: string[] = [];
  for (const sent of items) {
    texts.push(sentJson(sent, true));
    const paused = pause();
    if (paused) await paused;
  }
  const body = new RawJson(`{"items":[${texts.join(",")}]}`);
  await pause();
  return areReplays(items) ? { status: 200, body, headers: REPLAYED } : { status: 201, body };
}

/** The answers to messages that were sent each by itself. */
export async function eachAnswer(outcomes: readonly (Sent | Problem)[], { requestId }: Caller) {
  const json = (sent: Sent) => sentJson(sent, true, `,"status":${statusOf(sent)}`);
  const body = new RawJson(await eachJson(outcomes, requestId, json));
  return { status: 200, body, ...(areReplays(outcomes) && { headers: REPLAYED }) };
}

const statusOf = (sent: Sent): number => (sent.kind === "scheduled" ? 202 : sent.replayed ? 200 : 201);

/** 201 the first time, 200 with `Idempotent-Replayed` on repetition, 202 for a message planned for later. */
export function sentAnswer(sent: Sent) {
  const headers: Record<string, string> = sent.replayed ? REPLAYED : {};
  return { status: statusOf(sent), body: new RawJson(sentJson(sent, false)), headers };
}

/** `{ message, claim?, ...extras }` */
export function itemJson({ entry, work, lease, attached, parent }: WorkItem): string {
  const claim = lease
    ? `,"claim":{"token":"${lease.token}","attempt":${lease.attempt},"expiresAt":"${toTime(lease.expiresAt)}"}`
    : "";
  const more = attached ? JSON.stringify(attached).slice(1, -1) : "";
  return `{"message":${messageJson(entry, work, parent ? `,"parent":${parent}` : "")}${claim}${more && `,${more}`}}`;
}

/** The answers to verbs on several pieces of work, each by itself. */
export const eachItemAnswer = async (outcomes: readonly (WorkItem | Problem)[], { requestId }: Caller) => ({
  status: 200,
  body: new RawJson(await eachJson(outcomes, requestId, itemJson)),
});

export const itemAnswer = (item: WorkItem) => ({ status: 200, body: new RawJson(itemJson(item)) });
export const itemList = (items: readonly WorkItem[]) => ({
  status: 200,
  body: new RawJson(`{"items":[${items.map(itemJson).join(",")}]}`),
});

/** `{ items, nextPage }` of messages. `Link` says the same as `nextPage`. */
export function listAnswer(items: readonly string[], next: number | string | null, request: Request) {
  const body = new RawJson(
    `{"items":[${items.join(",")}],"nextPage":${next === null ? "null" : JSON.stringify(String(next))}}`,
  );
  return { status: 200, body, headers: nextLink(request, next) };
}
