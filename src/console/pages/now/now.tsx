import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import type { Attention } from "../../../protocol/attention.ts";
import { trackState } from "../../../protocol/states.ts";
import { api } from "../../api.ts";
import { useProject } from "../../frame/projects.ts";
import { useWho } from "../../frame/who.ts";
import { needsText, useAttention } from "../../live/attention.ts";
import { useTracks } from "../../live/tracks.ts";
import { useUnknown } from "../../live/unknown.ts";
import { BulkProgress } from "../../ui/bulk.tsx";
import { Button } from "../../ui/button.tsx";
import { LinkRows } from "../../ui/link-rows.tsx";
import { Empty, Failure, Loading } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { Rows } from "../../ui/rows.tsx";
import { exactOf, useAnswerKeys } from "./approval.tsx";
import { Line } from "./line.tsx";
import { NeedOpen, needRow, useNeedActs } from "./need.tsx";
import { SinceYouLeft } from "./since.tsx";
import { MessagesToWatch } from "./watched.tsx";

const Connect = lazy(async () => ({ default: (await import("../connect/connect.tsx")).Connect }));

/** The landing page: what needs a person, what is alive, what ended. */
export function NowPage() {
  const { project } = useProject();
  const attention = useAttention(project);
  const unknown = useUnknown();
  const items = attention.data?.items ?? [];
  const agents = useAgents();
  const [wasEmpty, setWasEmpty] = useState(false);
  if (agents.data?.items.length === 0 && !wasEmpty) setWasEmpty(true);
  if (wasEmpty && attention.data && items.length === 0)
    return <Begin arrived={agents.data?.items.map(({ id }) => id) ?? []} done={() => setWasEmpty(false)} />;
  const quiet = unknown.length === 0 ? "All quiet" : "Nothing waits, as far as is known";
  const title = !attention.data ? "Now" : items.length ? needsText(attention.data) : quiet;
  return (
    <Page title={title} facts={<FleetFacts />}>
      <BulkProgress />
      <div className="grid gap-x-10 lg:grid-cols-[minmax(0,1fr)_320px]">
        <div className="min-w-0">
          <Section title="Needs you">
            {attention.isPending && <Loading what="what needs you" />}
            {attention.error && <Failure error={attention.error} retry={() => void attention.refetch()} />}
            {attention.data && items.length === 0 && (
              <Empty>{unknown.length === 0 ? "Nothing needs you." : unknown.join(" ")}</Empty>
            )}
            <Needs items={items} />
          </Section>
          <LinkRows>
            <Line />
          </LinkRows>
        </div>
        <aside className="min-w-0">
          <LinkRows>
            <SinceYouLeft />
            <MessagesToWatch />
          </LinkRows>
        </aside>
      </div>
    </Page>
  );
}

/** The page of a relay without agents, until its person has seen the first arrive. */
function Begin({ arrived, done }: { arrived: readonly string[]; done(): void }) {
  const [first] = arrived;
  return (
    <Page
      title={first === undefined ? "No agent is connected yet" : `${first} arrived`}
      facts={
        first === undefined
          ? "Make a line, and run it where the agent works. It shows up here at once."
          : "Connect another, or go on."
      }
      actions={first !== undefined && <Button onClick={done}>Go on</Button>}
    >
      <Section title="Connect">
        <Suspense>
          <Connect />
        </Suspense>
      </Section>
    </Page>
  );
}

const useAgents = () =>
  useQuery({
    queryKey: ["agents"],
    queryFn: ({ signal }) => api.agents.list({ kind: "provider", limit: 200 }, { signal }),
  });

function Needs({ items }: { items: readonly Attention[] }) {
  const { writes } = useWho();
  const { take, snooze } = useNeedActs();
  const answerKeys = useAnswerKeys();
  const keysOf = (need: Attention) =>
    writes
      ? {
          e: () => take.mutate(need),
          s: () => snooze.mutate(need),
          ...answerKeys(need.subject.approvalId),
        }
      : {};
  const asked = useQuery({
    queryKey: ["approvals", "pending"],
    queryFn: ({ signal }) => api.approvals.list({ state: "pending", limit: 200 }, { signal }),
  });
  const exact = new Map(asked.data?.items.map(({ id, subject }) => [id, exactOf(subject)[0]]));
  const row = (need: Attention, isOpen?: boolean) =>
    needRow(need, isOpen ? undefined : exact.get(need.subject.approvalId ?? ""));
  return <Rows items={items} row={row} open={(need) => <NeedOpen need={need} />} keys={keysOf} />;
}

/** States of sessions in the words of their rows. */
const WORDS: Record<string, string> = { asking: "waiting for you", waiting: "waiting for others" };

/** One line: how many agents, and how they are. */
function FleetFacts() {
  const tracks = useTracks();
  const agents = useAgents();
  if (!agents.data) return null;
  const known = agents.data.items.length;
  const live = tracks.data?.items.filter(({ endedAt }) => endedAt === null) ?? [];
  const states = Object.entries(Object.groupBy(live, trackState));
  const parts = states.map(([state, of]) => `${of?.length} ${WORDS[state] ?? state}`);
  return (
    <>{`${known} ${known === 1 ? "agent" : "agents"}${parts.length ? `, ${live.length} ${live.length === 1 ? "session" : "sessions"}: ${parts.join(", ")}` : ""}`}</>
  );
}
