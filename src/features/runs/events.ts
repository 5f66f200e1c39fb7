import type { Caller } from "../../identity/auth/caller.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { EventsAppended, RunEvent } from "../../protocol/run-events.ts";
import type { RunAccess } from "./access.ts";
import type { EventFiles } from "./event-files.ts";
import type { Inputs } from "./inputs.ts";
import type { Life } from "./life.ts";
import type { Recorder } from "./recorder.ts";

interface Parts {
  access: RunAccess;
  life: Life;
  recorder: Recorder;
  inputs: Inputs;
  eventFiles: EventFiles;
}

export type EventService = ReturnType<typeof createEvents>;

/** Events as their runner appends them: each batch is a word of the runner, too. */
export function createEvents({ access, life, recorder, inputs: noted, eventFiles }: Parts) {
  return {
    /** `POST .../events`. `token`: the header Signalbox-Run. @throws Problem 403, 404, 409, 422 */
    async append(
      tx: Tx,
      caller: Caller,
      id: string,
      token: string | null,
      events: readonly RunEvent[],
    ): Promise<EventsAppended> {
      const { run, turn } = await access.requireTurn(tx, caller, id, token);
      const shown = await eventFiles.keep(tx, run, events);
      const { answer, taken, usage, inputs, lifecycle, error } = await recorder.append(tx, run, turn.id, shown);
      const goesOn = taken > 0 && (lifecycle !== "unsaid" || run.closing === null);
      let row = await (goesOn ? life.touch(tx, run) : run);
      if (inputs.length > 0) await noted.note(tx, run, inputs);
      for (const one of usage) row = await life.used(tx, row, one);
      if (lifecycle === "end" || lifecycle === "error")
        await life.close(tx, row, lifecycle === "end" ? { outcome: "ok", error: null } : { outcome: "error", error });
      return answer;
    },
  };
}
