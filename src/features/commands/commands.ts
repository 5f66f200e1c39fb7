import type { Areas } from "../../core/core.ts";
import type { ScheduledRow } from "../../core/messages/row.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { lazy } from "../../kernel/lazy.ts";
import type { Task } from "../../protocol/tasks.ts";
import type { Approvals } from "../approvals/approvals.ts";
import type { Delegations } from "../delegations/delegations.ts";
import type { Files } from "../files/files.ts";
import type { Profiles } from "../profiles/profiles.ts";
import type { RunRow } from "../runs/row.ts";
import type { Runs } from "../runs/runs.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { isOver } from "../tasks/task.ts";
import { createCommandOutcomes } from "./outcomes.ts";
import type { Spawning } from "./spawning.ts";
import { commandStore } from "./store.ts";

export type Commands = ReturnType<typeof createCommands>;

type Ground = Areas & {
  delegations: Delegations;
  runs: Runs;
  approvals: Approvals;
  files: Files;
  sessions: Sessions;
  profiles: Profiles;
};

/** Commands to the daemons that start and watch agents. */
export function createCommands(areas: Ground) {
  const letters = lazy(async () => (await import("./letters.ts")).createLetters(areas));
  const rule = lazy(async () => (await import("./spawning.ts")).createSpawning(areas, await letters()));
  const ground = { ...areas, letters };
  const service = lazy(async () => {
    const [{ createChecks }, { createCommandService }] = await Promise.all([
      import("./checks.ts"),
      import("./service.ts"),
    ]);
    return createCommandService(ground, createChecks(ground));
  });
  const outcomes = createCommandOutcomes(ground);
  const ended: Sweep = {
    name: "commands",
    limit: 500,
    sweep: (tx, { before, limit }) => commandStore.forget(tx, before, limit),
  };
  return {
    service,
    followApproval: outcomes.followApproval,
    followDelegation: outcomes.followDelegation,
    outcomeOf: outcomes.outcomeOf,
    byRelay: outcomes.byRelay,
    async spawning(...asked: Parameters<Spawning["spawning"]>) {
      return (await rule()).spawning(...asked);
    },
    /** Does nothing for a message that nobody had to allow. */
    followWaited: (tx: Tx, row: ScheduledRow): Promise<void> | undefined =>
      row.waits ? letters().then(({ followWaited }) => followWaited(tx, row)) : undefined,
    /** Nobody is asked any more for a run that has ended. */
    followRun: (tx: Tx, { id, approvalId }: RunRow): Promise<void> | undefined =>
      approvalId === null ? undefined : areas.approvals.own.withdraw(tx, approvalId, `${id} has ended`),
    /** Nor for a task. */
    followTask: (tx: Tx, { id, approvalId, status }: Task): Promise<void> | undefined =>
      approvalId !== null && isOver(status)
        ? areas.approvals.own.withdraw(tx, approvalId, `${id} is ${status}`)
        : undefined,
    async withholding(...asked: Parameters<Spawning["withholding"]>) {
      return (await rule()).withholding(...asked);
    },
    sweeps: [ended],
    routes: lateRoutes(["/v1/orchestrators/{id}/commands"], async () =>
      (await import("./routes.ts")).commandRoutes(ground, await service()),
    ),
  };
}
