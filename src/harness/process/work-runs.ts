import type { ItemEvent } from "../../client/item.ts";
import { headOf } from "../../client/text.ts";
import type { Message } from "../../protocol/messages.ts";
import type { RunFinish } from "../../protocol/runs.ts";
import { beginReport, endReport, failedEnd, type RunReport, type RunReporting } from "./run-report.ts";

/** Longest label of a run. */
const LABEL_BYTES = 256;

/** Runs of a worker: one for each item that it works on. */
export type WorkRuns = ReturnType<typeof createWorkRuns>;

export function createWorkRuns(reporting: RunReporting, agentId: string) {
  const reports = new Map<number, RunReport>();
  const ends = new Set<Promise<void>>();

  function endOf(report: RunReport, event: ItemEvent): Partial<RunFinish> {
    switch (event.type) {
      case "completed":
        return {};
      case "failed":
        return failedEnd(report, event.error);
      case "released":
        return failedEnd(report, event.reason, "refused");
      case "lost":
        return failedEnd(report, `The lease was lost: ${event.cause}`, "lost");
    }
  }

  return {
    /** Begins the run of an item. */
    async begin(message: Message, signal: AbortSignal): Promise<RunReport | undefined> {
      const { id, subject, body, encoding } = message;
      const draft = { agentId, messageId: id, cause: "message", cwd: process.cwd(), encoding } as const;
      const label = subject === null ? undefined : headOf(subject, LABEL_BYTES);
      const report = await beginReport(reporting, { ...draft, label, task: body || (subject ?? `#${id}`) }, signal);
      if (report) reports.set(id, report);
      report?.handle.input([id]);
      return report;
    },
    /**
     * Ends the run of an item after its claim: the relay would complete the claim with the run, without the delay before the next
     * attempt.
     */
    end(event: ItemEvent): void {
      const report = reports.get(event.message.id);
      if (!report) return;
      reports.delete(event.message.id);
      const done = endReport(reporting, report, endOf(report, event)).finally(() => ends.delete(done));
      ends.add(done);
    },
    /** Resolves when the ends are reported. */
    async settled(): Promise<void> {
      await Promise.all(ends);
    },
  };
}
