import { type LogEntry, messageJson } from "../../core/messages/entry.ts";
import type { WorkRow } from "../../core/work/row.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { Message, Parent } from "../../protocol/messages.ts";
import type { Letter } from "./envelope.ts";

/**
 * An entry in the form for an envelope. Its text is parsed on first use: a model sees few messages of a long backlog, and a payload
 * of 64 KiB takes milliseconds.
 */
export function letterOf(entry: LogEntry, work?: WorkRow, parent?: Parent): Letter {
  let parsed: Letter | undefined;
  const whole = (): Letter => {
    parsed ??= JSON.parse(messageJson(entry, work)) as Letter;
    return parsed;
  };
  return {
    id: entry.id,
    from: entry.from,
    to: entry.target,
    kind: entry.kind as Letter["kind"],
    topic: entry.topic,
    threadId: entry.threadId,
    urgent: entry.urgent,
    parent,
    state: work?.state ?? null,
    get source() {
      return whole().source;
    },
    get subject() {
      return whole().subject;
    },
    get body() {
      return whole().body;
    },
    get encoding() {
      return whole().encoding;
    },
    get payload() {
      return whole().payload;
    },
    get via() {
      return whole().via;
    },
    get person() {
      return whole().person;
    },
    get createdAt() {
      return whole().createdAt;
    },
  };
}

/** Messages of a page that is JSON already, parsed with turns of the event loop in between. */
export async function lettersIn(items: readonly string[]): Promise<Message[]> {
  const pause = createPauses();
  const letters: Message[] = [];
  for (const json of items) {
    letters.push(JSON.parse(json) as Message);
    await pause();
  }
  return letters;
}
