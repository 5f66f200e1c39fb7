import type { RunWord } from "../../client/run-handle.ts";
import type { NativeSession } from "../../harness/providers/provider.ts";
import type { Journal } from "../journal/journal.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import { inputOf } from "./prompt.ts";

export type Words = ReturnType<typeof createWords>;

/** Stores a word to a turn, in the open write, until a CLI gets it. A repeat changes nothing. */
export function keepWord(journal: Journal, { id, plan }: TurnRow, word: RunWord): void {
  const { words = [] } = plan;
  if (words.some(({ messageId }) => messageId === word.messageId)) return;
  journal.turns.change(id, { plan: { ...plan, words: [...words, word] } });
}

/**
 * Words of others to a turn: into its CLI where that can, else behind the running turn. They wait, in the journal, until a CLI has the
 * prompt: one that starts, that waits at a limit or a cap, or that begins again after its end. `messages` gets the message of each input.
 */
export function createWords({ journal, log }: Services, { id }: TurnRow, messages: Map<string, number>) {
  let native: NativeSession | undefined;

  async function give(to: NativeSession, word: RunWord): Promise<void> {
    const input = inputOf(word.text);
    messages.set(input.id, word.messageId);
    try {
      if ((await to.steer(input)) === "refused") await to.send(input);
    } catch (error) {
      // The turn may go on in another process.
      if (!to.isRunning && journal.isOpen) add(word);
      else log(`Words to a turn did not reach its CLI: ${error instanceof Error ? error.message : error}`);
    }
  }

  function flush(): void {
    const turn = journal.turns.get(id);
    const { words = [] } = turn?.plan ?? {};
    if (!turn || words.length === 0 || !native?.isRunning) return;
    journal.write(() => journal.turns.change(id, { plan: { ...turn.plan, words: [] } }));
    for (const word of words) void give(native, word);
  }

  function add(word: RunWord): void {
    const turn = journal.turns.get(id);
    if (turn) journal.write(() => keepWord(journal, turn, word));
    flush();
  }

  return {
    add,
    /** A CLI has the prompt: what waits goes to it, and all that comes. */
    open(to: NativeSession): void {
      native = to;
      flush();
    },
    /** No CLI works on the turn. */
    close(): void {
      native = undefined;
    },
  };
}
