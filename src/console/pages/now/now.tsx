import { useQuery } from "@tanstack/react-query";
import type { Attention } from "../../../protocol/attention.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { useAttention } from "../../live/attention.ts";
import { Empty, Failure, Loading } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { Rows } from "../../ui/rows.tsx";
import { keyOf, useAnswer } from "./approval.tsx";
import { Line } from "./line.tsx";
import { NeedOpen, needRow, useNeedActs } from "./need.tsx";
import { SinceYouLeft } from "./since.tsx";

const count = (n: number): string => (n === 1 ? "1 thing needs you" : `${n} things need you`);

/** The landing page: what needs a person, what is alive, what ended. */
export function NowPage() {
  const attention = useAttention();
  const health = useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => api.health({ signal }),
    refetchInterval: 60_000,
  });
  const items = attention.data?.items ?? [];
  const isWell = health.data?.status === "ok";
  const quiet = isWell || !health.data ? "All quiet" : "Nothing waits, but the relay is not well";
  return (
    <Page title={!attention.data ? "Now" : items.length ? count(items.length) : quiet} facts={<FleetFacts />}>
      <div className="grid gap-x-10 lg:grid-cols-[minmax(0,1fr)_320px]">
        <div className="min-w-0">
          <Section title="Needs you">
            {attention.isPending && <Loading what="what needs you" />}
            {attention.error && <Failure error={attention.error} retry={() => void attention.refetch()} />}
            {attention.data && items.length === 0 && (
              <Empty>
                {isWell
                  ? "Nothing needs you."
                  : `Nothing waits. The relay says: ${health.data?.status ?? "not heard yet"}.`}
              </Empty>
            )}
            <Needs items={items} />
          </Section>
          <Line />
        </div>
        <SinceYouLeft />
      </div>
    </Page>
  );
}

function Needs({ items }: { items: readonly Attention[] }) {
  const { writes } = useWho();
  const { take, snooze } = useNeedActs();
  const answer = useAnswer();

  /** Answers by the key of an option, with the subject as it was shown. */
  async function press(need: Attention, key: string): Promise<void> {
    if (!need.subject.approvalId) return;
    const approval = await api.approvals.get(need.subject.approvalId);
    const option = approval.options.find((one) => keyOf(one) === key);
    if (option) answer.mutate({ approval, option: option.id });
  }
  const keysOf = (need: Attention) =>
    writes
      ? {
          e: () => take.mutate(need),
          s: () => snooze.mutate(need),
          ...Object.fromEntries(["1", "2", "3"].map((key) => [key, () => void press(need, key)])),
        }
      : {};
  return <Rows items={items} row={needRow} open={(need) => <NeedOpen need={need} />} keys={keysOf} />;
}

/** One line: how many agents, and how they are. */
function FleetFacts() {
  const sessions = useQuery({
    queryKey: ["sessions", "live"],
    queryFn: ({ signal }) => api.sessions.list({ live: "true", limit: 200 }, { signal }),
  });
  const agents = useQuery({
    queryKey: ["agents"],
    queryFn: ({ signal }) => api.agents.list({ kind: "provider", limit: 200 }, { signal }),
  });
  if (!agents.data) return null;
  const known = agents.data.items.length;
  const states = Object.entries(Object.groupBy(sessions.data?.items ?? [], ({ state }) => state));
  const parts = states.map(([state, of]) => `${of?.length} ${state}`);
  return <>{`${known} ${known === 1 ? "agent" : "agents"}${parts.length ? `: ${parts.join(", ")}` : ""}`}</>;
}
