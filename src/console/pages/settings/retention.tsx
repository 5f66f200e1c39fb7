import { useQuery } from "@tanstack/react-query";
import type { RetentionState } from "../../../protocol/health.ts";
import { api } from "../../api.ts";
import { countText } from "../../ui/amounts.ts";
import { Failure, Loading } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";

const time = (count: number, unit: string): string => `${countText(count)} ${unit}${count === 1 ? "" : "s"}`;

type Kept = readonly [what: string, how: string, setting?: string];

/** Data, how long the relay keeps it, and the setting that says so. */
function keptFor({ days, runEventHours, fileUnusedHours }: RetentionState): readonly Kept[] {
  const messages = time(days, "day");
  return [
    ["Messages, threads, finished work", messages, "SIGNALBOX_RETENTION_DAYS"],
    ["Open, held and dead work, and what live tasks, delegations and runs point to", "until it has ended"],
    ["Results of runs", "until their requester has acknowledged them, or somebody dismissed them"],
    [
      "Every event of a run",
      `${time(runEventHours, "hour")} after its end; then text and tools, as long as messages`,
      "SIGNALBOX_RUN_EVENT_HOURS",
    ],
    ["Decided approvals, dead sessions, acts, outcomes of schedules", messages, "SIGNALBOX_RETENTION_DAYS"],
    ["Files that no message carries", time(fileUnusedHours, "hour"), "SIGNALBOX_FILE_UNUSED_HOURS"],
    ["Deliveries of webhooks", "a day when delivered, 30 days as dead letters"],
    ["Deleted agents and people", "their ids for ever; an agent can be restored as long as its messages are kept"],
  ];
}

/** Where the log begins now, and what the last run did. */
function ranText({ firstId, lastRun }: RetentionState): string {
  const begins = firstId === 1 ? "No message was deleted yet." : `The log begins at message ${firstId}.`;
  if (!lastRun) return `${begins} It runs within a minute of a start, then once an hour.`;
  const { at, deleted, refused } = lastRun;
  const did = `It ran last at ${new Date(at).toLocaleString()}, and deleted ${time(deleted, "message")}.`;
  return [begins, did, refused && "More was old enough: the clock had jumped, so the rest waits a day."]
    .filter(Boolean)
    .join(" ");
}

/** How long what is kept, and what was deleted. The settings are read when the relay starts. */
export function RetentionSection() {
  const { data, error, refetch } = useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => api.health({ signal }),
  });
  const kept = data?.retention;
  return (
    <Page title="Nothing open is ever deleted" facts={kept && ranText(kept)}>
      <Section title="Kept for" note="settings are environment variables, read when the relay starts">
        {error && <Failure error={error} retry={() => void refetch()} />}
        {!data && !error && <Loading what="what is kept" />}
        <dl>
          {(kept ? keptFor(kept) : []).map(([what, how, setting]) => (
            <div key={what} className="grid gap-x-6 border-b border-line px-3 py-2 md:grid-cols-[1fr_1fr_auto]">
              <dt>{what}</dt>
              <dd className="text-ink2">{how}</dd>
              <dd className="font-mono text-small text-ink3 md:w-60">{setting}</dd>
            </div>
          ))}
        </dl>
      </Section>
    </Page>
  );
}
