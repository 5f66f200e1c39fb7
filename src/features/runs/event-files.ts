import { DAY_MS } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { EventData, RunEvent } from "../../protocol/run-events.ts";
import type { Files } from "../files/files.ts";
import type { RunRow } from "./row.ts";

type FileRefs = NonNullable<EventData<"assistant">["files"]>;

export type EventFiles = ReturnType<typeof createEventFiles>;

/** Files that a run shows while it works: kept with the message that it works on, else as long as messages are. */
export function createEventFiles(
  { kernel, files }: { kernel: Pick<Kernel, "clock">; files: Files },
  retentionDays: number,
) {
  async function keepAll(tx: Tx, run: RunRow, refs: FileRefs, pointer: string): Promise<FileRefs> {
    const known: FileRefs = [];
    for (const [index, { fileId, name, mediaType }] of refs.entries()) {
      const file = await files.service.requireUsable(tx, run.agentId, fileId, `${pointer}/${index}/fileId`);
      known.push({ fileId, name: name ?? file.name, mediaType: mediaType ?? file.type });
    }
    const payload = { files: refs.map(({ fileId }) => ({ fileId })) };
    const { agentId: fromId, messageId: id } = run;
    if (id === null) await files.service.keepUntil(tx, payload, kernel.clock.now() + retentionDays * DAY_MS);
    else await files.service.countUse(tx, { id, fromId, payload: JSON.stringify(payload) });
    return known;
  }

  return {
    /** Events with the names and types of their files. @throws Problem 422 for a file that the run's agent may not read */
    async keep(tx: Tx, run: RunRow, events: readonly RunEvent[]): Promise<readonly RunEvent[]> {
      const shown = [...events];
      for (const [index, event] of events.entries()) {
        if (event.stream !== "assistant" || !event.data.files?.length) continue;
        const known = await keepAll(tx, run, event.data.files, `/events/${index}/data/files`);
        shown[index] = { ...event, data: { ...event.data, files: known } };
      }
      return shown;
    },
  };
}
