import type { RunHandle } from "../../client/run-handle.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import type { Provenance, TurnInput } from "../../harness/providers/provider.ts";
import type { Entry } from "../../protocol/messages.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import { fetchFiles } from "./files.ts";
import { quote } from "./quote.ts";

const LETTER_TOKENS = 100_000;

export interface Prompt {
  text: string;
  images: string[];
  provenance: Provenance;
}

/** Prompt of a turn: the relay's head, our notes, and texts by others in envelopes alone. */
export async function promptFor(
  services: Services,
  { turn, session, handle }: { turn: TurnRow; session: SessionRow; handle: RunHandle },
): Promise<Prompt> {
  const link = services.link.of(turn.agentId);
  const ask = <T>(call: () => Promise<T>) => untilAnswered(services.time, call, services.life);
  const head = await ask(() => link.verbs.prompt(handle.id));
  const letter = letterOf(services, turn, handle);
  const ids = [...new Set([...filesIn(letter), ...handle.turn.files])];
  const files = await fetchFiles(services, { agentId: turn.agentId, session, ids });
  const body = await bodyOf();
  const notes = session.note === null ? [] : [session.note];
  return {
    text: [head.text, ...notes, body, ...files.lines].join("\n\n"),
    images: files.images,
    provenance: provenanceOf(turn, letter),
  };

  async function bodyOf(): Promise<string> {
    const { feedOf } = turn.plan;
    if (feedOf)
      return [
        `The background work "${feedOf.name}" has ended. Tell the person its result in your own words, as short as it allows. If they know it already, stay silent.`,
        quote(`Result of ${feedOf.runId}`, feedOf.text || "(no text)"),
      ].join("\n");
    const messageId = turn.messageId ?? (handle.turn.cause === "begin" ? handle.run.messageId : null);
    const parts: string[] = [];
    if (messageId !== null)
      parts.push((await ask(() => link.client.messages.letter(messageId, { budget: LETTER_TOKENS }))).text);
    else if (handle.turn.text !== null) parts.push(quote("Task", handle.turn.text));
    for (const { runId, label, outcome, error, result } of handle.turn.findings)
      parts.push(
        quote(`Result of ${runId}, ${outcome ?? "open"}`, [label, error, result?.text].filter(Boolean).join("\n")),
      );
    return parts.join("\n\n");
  }
}

/** Words to a running turn, as its model gets them. */
const promptOfWords = (text: string): string => quote("New while you work", text);

function letterOf({ journal }: Services, turn: TurnRow, handle: RunHandle): Entry | undefined {
  const id = turn.messageId ?? handle.run.messageId;
  return id === null ? undefined : journal.letters.get(id, turn.agentId)?.entry;
}

/** Files that a message carries. */
export function filesIn(entry: Entry | undefined): string[] {
  const lists = [entry?.payload?.files, entry?.payload?.attachments];
  return lists.flatMap((list) =>
    Array.isArray(list)
      ? list.flatMap((one: unknown) => {
          const id = typeof one === "object" && one !== null && "fileId" in one ? one.fileId : undefined;
          return typeof id === "string" ? [id] : [];
        })
      : [],
  );
}

const KINDS = { person: "human", channel: "channel", schedule: "schedule", relay: "relay" } as const;

function provenanceOf({ kind }: TurnRow, entry: Entry | undefined): Provenance {
  if (!entry) return { kind: kind === "feed" ? "relay" : "peer", from: kind === "feed" ? "relay" : "a run" };
  return { kind: KINDS[entry.source as keyof typeof KINDS] ?? "peer", from: entry.from };
}

/** Words of others as an input of its own. */
export const inputOf = (text: string): TurnInput => ({
  ...{ id: crypto.randomUUID(), text: promptOfWords(text), images: [] },
  provenance: { kind: "peer", from: "others" },
});
