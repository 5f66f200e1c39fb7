import { isGroup } from "../../identity/agents/target.ts";
import { type Caller, readersOf, readsAll } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Base } from "../base.ts";
import type { Candidate, Lineage, MessageRow } from "./row.ts";

export type Access = ReturnType<typeof createAccess>;

/** Access to messages, by reader. */
export function createAccess(base: Base) {
  const { agents, directory } = base.identity;
  const { messages: store, work: works } = base.rows;

  /** Passes for messages it sent, received or worked on, and for open work it may claim. */
  async function mayRead(on: ReadTx, agentId: string, row: Candidate): Promise<boolean> {
    if (row.fromId === agentId || row.target === agentId) return true;
    if (isGroup(row.target) && (await directory.memberAt(on, agentId, row.target, row.id))) return true;
    if (await works.workedOn(on, agentId, row.id)) return true;
    const work = await works.byId(on, row.id);
    return work?.state === "open" && directory.targetsNow(on, agentId).includes(row.target);
  }

  /** Whether a caller may read it: as itself, or as an agent that it has enrolled. @throws Problem 403 */
  async function readableBy(on: ReadTx, caller: Caller, row: Candidate): Promise<boolean> {
    if (readsAll(caller)) return true;
    for (const reader of readersOf(caller)) if (await mayRead(on, reader, row)) return true;
    return false;
  }

  return {
    mayRead,
    readableBy,

    /** The whole row, if the caller may read it. @throws Problem 403, 404, 409 */
    async requireReadable(on: ReadTx, caller: Caller, id: number): Promise<MessageRow> {
      const reader = await agents.requireReader(on, caller);
      const row = await store.byId(on, id);
      if (!row) throw new Problem("not-found", `There is no message ${id}.`);
      if (!(await readableBy(on, caller, row))) throw new Problem("forbidden", `Message ${id} is not for ${reader}.`);
      return row;
    },

    /** The message that `replyTo` or `causedBy` names, which the sender has to be able to read. @throws Problem 403, 422 */
    async requireReference(on: ReadTx, from: string, id: number, pointer: string): Promise<Lineage> {
      const row = await store.lineage(on, id);
      if (!row) throw Problem.invalid(pointer, `there is no message ${id}`);
      if (from !== "user" && !(await mayRead(on, from, row)))
        throw new Problem("forbidden", `${pointer.slice(1)}: message ${id} is not for ${from}.`);
      return row;
    },
  };
}
