import type { PlacedNode } from "../../core/trees/trees.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import { agentIdOf } from "../../identity/orchestrators/ids.ts";
import type { Command, CommandPayload } from "../../protocol/commands.ts";
import type { Asked } from "../delegations/ask.ts";
import type { RunRow } from "../runs/row.ts";
import { sentenceOf } from "./wording.ts";

/** Order of a command: who asked for it, and where in the tree. */
export interface Order {
  asker: { id: string };
  box: { id: string };
  command: Command;
  timeoutSeconds: number;
  /** Place in the tree of what it asks for. */
  node: PlacedNode | undefined;
  run: Pick<RunRow, "id"> | undefined;
  caller: Pick<Caller, "personId">;
}

/** The request that carries a command. */
export function requestOf({ asker, box, command, timeoutSeconds, node, run, caller }: Order): Asked {
  const spawnedBy = { agentId: asker.id, runId: run?.id ?? null, person: caller.personId };
  const payload: CommandPayload = { command, spawnedBy };
  const files = "files" in command ? command.files : undefined;
  return {
    ...{ to: agentIdOf(box.id), text: sentenceOf(command, box.id), encoding: "plain", timeoutSeconds, node },
    relayed: { ...payload, ...(files?.length ? { files: files.map((fileId) => ({ fileId })) } : {}) },
  };
}
