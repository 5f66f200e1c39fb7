import { useQuery } from "@tanstack/react-query";
import type { HealthCheck } from "../../../protocol/health.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { Button } from "../../ui/button.tsx";
import type { GlyphName } from "../../ui/glyph.tsx";
import { Failure, Loading } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { type RowParts, Rows } from "../../ui/rows.tsx";

const GLYPH: Record<HealthCheck["status"], GlyphName> = { ok: "ok", warn: "you", fail: "stuck" };
const WORST: Record<HealthCheck["status"], string> = {
  ok: "The relay is well",
  warn: "The relay works, with warnings",
  fail: "The relay is not well",
};

/** The next step where a check is not ok. */
const NEXT_STEPS: Record<string, string> = {
  database: "Look at the disk and at the log of the relay: while it takes no writes, senders are told to try again.",
  integrity: "Stop the relay, keep the file, and start from the newest backup: docs, restoring a backup.",
  disk: "Free space on the disk of the data folder, or move the folder. Retention deletes only what is old.",
  "write-ahead-log":
    "A reader holds the log open: look for backups or programs that read the file, and restart the relay.",
  search: "Nothing to do: search catches up by itself. New messages are found a little late until then.",
  "dead-letters": "Work → Dead letters: see why each failed, then requeue or cancel it.",
  "open-work": "Work that nobody takes: look in Fleet whether its agents are there and ready.",
  announcements: "Now shows each result that could not be delivered: retry or dismiss it.",
  orchestrators: "Start the daemon on that machine again: signalbox orchestrator. Its sessions wait for it.",
  channels: "Channels shows why an adapter cannot hear: a token that is no longer good, another poller, or no network.",
  webhooks: "Settings → Webhooks: see the answer of the receiver, mend it, then deliver its dead letters again.",
  due: "What is due is late: the machine slept or is overloaded. It catches up by itself; if it grows, look at the log.",
};

/** Checks of the relay itself, the worst first, with what to do. */
export function HealthSection() {
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => api.health({ signal }),
    refetchInterval: 60_000,
  });
  const order = ["fail", "warn", "ok"];
  const checks = data?.checks.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status)) ?? [];
  return (
    <Page
      title={data ? WORST[data.status] : "Health"}
      facts={data && `Version ${data.version} · checked ${new Date(data.generatedAt).toLocaleTimeString()}`}
      actions={
        <Button disabled={isFetching} onClick={() => void refetch()}>
          Check again
        </Button>
      }
    >
      <Section title="Checks">
        {error && <Failure error={error} retry={() => void refetch()} />}
        {!data && !error && <Loading what="the checks" />}
        <Rows
          items={checks}
          row={checkRow}
          open={({ name, status }) => (
            <p className="text-ink2">
              {status === "ok" ? "Nothing to do." : (NEXT_STEPS[name] ?? "Look at the log of the relay.")}
            </p>
          )}
        />
      </Section>
    </Page>
  );
}

const checkRow = ({ name, status, detail }: HealthCheck): RowParts => ({
  ...{ id: name, glyph: GLYPH[status], kind: status },
  what: (
    <>
      <strong>{name.replaceAll("-", " ")}</strong> {visible(detail)}
    </>
  ),
});
