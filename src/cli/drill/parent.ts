import type { Run } from "../../protocol/runs.ts";
import type { Drilled } from "./asking.ts";
import { modeOf, numberIn } from "./story.ts";

const LOOK_MS = 20;

/** Lets a run of a level end after the turn that asked for it, where that run is to be woken: it waits only for runs that go on. */
export async function waitForParent(
  { ask }: Drilled,
  { parentId, task }: Pick<Run, "parentId" | "task">,
  level: number,
  done: () => boolean,
): Promise<void> {
  if (parentId === null || modeOf(numberIn(task), level - 1) !== "waits") return;
  while (!done()) {
    const { body } = await ask<Run>("GET", `/v1/runs/${parentId}`);
    if (body.status !== "running") return;
    await Bun.sleep(LOOK_MS);
  }
}
