import * as api from "../protocol/attention.ts";
import { listLateMessages } from "../protocol/late.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on what waits for people. */
export const attentionVerbs = ({ ask }: Caller) => ({
  /** Lists what waits for a person, most held up first. */
  list: (query: Query<(typeof api.listAttention)["query"] & object> = {}, call?: Call) =>
    ask(api.listAttention, { query }, call),

  /** Lists messages that have not come to their end, those that are late first. */
  late: (query: Query<(typeof listLateMessages)["query"] & object> = {}, call?: Call) =>
    ask(listLateMessages, { query }, call),

  /** Says that the caller's person sees to it; with `release` that nobody does any more. */
  take: (id: string, body: { release?: boolean } = {}, call?: Call): Promise<api.Attention> =>
    ask(api.takeAttention, { params: { id }, body }, call),

  /** Hides it until a time; null shows it again. */
  snooze: (id: string, until: string | null, call?: Call): Promise<api.Attention> =>
    ask(api.snoozeAttention, { params: { id }, body: { until } }, call),

  /** Hands it to a person, who is told in a chat of theirs. */
  hand: (id: string, personId: string, call?: Call): Promise<api.Attention> =>
    ask(api.handAttention, { params: { id }, body: { personId } }, call),
});
