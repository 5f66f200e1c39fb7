import type { Areas } from "../../core/core.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { ParsedFinish, Run } from "../../protocol/runs.ts";
import type { Files } from "../files/files.ts";
import type { RunAccess } from "./access.ts";
import { turnIdOf } from "./fence.ts";
import type { Life } from "./life.ts";
import type { Recorder } from "./recorder.ts";
import { isLong } from "./result.ts";
import type { RunService } from "./service.ts";
import type { RunStore } from "./store.ts";

export type Finishing = ReturnType<typeof createFinishing>;

interface Parts {
  store: RunStore;
  access: RunAccess;
  recorder: Recorder;
  life: Life;
  service: RunService;
}

/** Finishing runs, also those whose result is too long for a row: its bytes are on disk before the write. */
export function createFinishing(
  { kernel, files }: Areas & { files: Files },
  { store, access, recorder, life, service }: Parts,
) {
  const { db } = kernel;

  /** Text of the result as far as it can be known before the write, and the agent that says it. */
  async function textOf(on: ReadTx, caller: Caller, id: string, token: string | null, body: ParsedFinish) {
    const { result, silent } = body;
    const run = silent || token === null ? undefined : await store.byId(on, id);
    const turnId = turnIdOf(token);
    // Nothing is put on disk for callers that will be refused.
    if (!run || turnId !== run.turnId || !(await access.runsFor(on, caller, run.agentId))) return undefined;
    return { agentId: run.agentId, text: result ?? (await recorder.lastText(on, run, turnId)) ?? "" };
  }

  return {
    /** `POST .../finish`. @throws Problem 403, 404, 409, 422, 503 */
    async finish(caller: Caller, id: string, token: string | null, body: ParsedFinish): Promise<Run> {
      const said = await db.read((on) => textOf(on, caller, id, token, body));
      if (!said || !isLong(said.text))
        return db.write(async (tx) => service.show(tx, caller, await life.finish(tx, caller, id, token, body)));
      const text = { ...said, name: `${id}.txt` };
      return files.withText(text, async (tx, keep) =>
        service.show(tx, caller, await life.finish(tx, caller, id, token, { ...body, result: said.text, keep })),
      );
    },
  };
}
