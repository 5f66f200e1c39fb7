import { untilAnswered } from "../client/until-answered.ts";
import type { Services } from "./services.ts";

/** Wait for more, so that a burst costs one call for each agent. */
const QUIET_MS = 250;

/** Acknowledges for all agents, up to the oldest message that has not reached a turn. */
export function createAcks({ journal, link, time, life, log, config }: Services) {
  const sent = new Map<string, number>();
  let running: Promise<void> | undefined;
  let isDue = false;

  async function run(): Promise<void> {
    while (isDue && !life.aborted) {
      await time.sleep(QUIET_MS, life);
      isDue = false;
      for (const id of [`orchestrator-${config.id}`, ...journal.agents.all().map(({ id }) => id)]) await ackOf(id);
    }
  }

  async function ackOf(agentId: string): Promise<void> {
    const oldest = journal.letters.oldestWaiting(agentId);
    const upTo = oldest === undefined ? journal.position() : oldest - 1;
    if (upTo <= (sent.get(agentId) ?? 0)) return;
    await untilAnswered(time, () => link.box.inbox.ack(upTo, { agentId }), life);
    sent.set(agentId, upTo);
  }

  return {
    /** Acknowledges soon. */
    nudge(): void {
      isDue = true;
      running ??= run()
        .catch(
          (error) =>
            void (life.aborted || log(`Acknowledging failed: ${error instanceof Error ? error.message : error}`)),
        )
        .finally(() => {
          running = undefined;
        });
    },
    settled: (): Promise<void> => running ?? Promise.resolve(),
  };
}
