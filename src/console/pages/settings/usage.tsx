import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { UsageBy } from "../../../protocol/series.ts";
import type { Usage, UsageItem } from "../../../protocol/usage.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { countText, moneyText, shortText } from "../../ui/amounts.ts";
import { Chart } from "../../ui/chart.tsx";
import { Empty, Failure, Loading } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { TAB, Tabs } from "../../ui/tabs.tsx";

const route = getRouteApi("/settings/$section");
const DAY_MS = 86_400_000;
const GROUPS: readonly [UsageBy, string][] = [
  ["agent", "Agents"],
  ["person", "People"],
  ["project", "Projects"],
  ["model", "Models"],
  ["thread", "Threads"],
  ["day", "Days"],
];
const SPANS = [7, 30, 90, 365] as const;

function useUsage(by: UsageBy, days: number) {
  return useQuery({
    queryKey: ["usage", by, days],
    queryFn: ({ signal }) =>
      api.stats.usage({ by, limit: 500, from: new Date(Date.now() - (days - 1) * DAY_MS).toISOString() }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
  });
}

/** Tokens and money that runs reported: by day, and by one group at a time. */
export function UsageSection() {
  const { by = "agent", days = 30 } = route.useSearch();
  const daily = useUsage("day", days);
  const grouped = useUsage(by, days);
  const total = daily.data?.total;
  const span = days === 365 ? "the last year" : `the last ${days} days`;
  return (
    <Page
      title={total ? titleOf(total, span) : "Usage"}
      facts={
        total &&
        `${shortText(total.inputTokens)} tokens in · ${shortText(total.outputTokens)} out · ${shortText(total.cacheReadTokens)} from cache · ${countText(total.runs)} ${total.runs === 1 ? "run" : "runs"}`
      }
    >
      <Tabs label="Time">
        {SPANS.map((one) => (
          <Link
            key={one}
            to="/settings/$section"
            params={{ section: "usage" }}
            search={{ by, days: one }}
            className={TAB}
            aria-current={one === days ? "page" : undefined}
          >
            {one === 365 ? "A year" : `${one} days`}
          </Link>
        ))}
      </Tabs>
      {daily.isPending && <Loading what="usage" />}
      {daily.error && <Failure error={daily.error} retry={() => void daily.refetch()} />}
      {daily.data && daily.data.items.length > 0 && (
        <Section title="By day">
          <div className="py-3">
            <Daily usage={daily.data} />
          </div>
        </Section>
      )}
      <Tabs label="Groups">
        {GROUPS.map(([group, name]) => (
          <Link
            key={group}
            to="/settings/$section"
            params={{ section: "usage" }}
            search={{ by: group, days }}
            className={TAB}
            aria-current={group === by ? "page" : undefined}
          >
            {name}
          </Link>
        ))}
      </Tabs>
      {grouped.error && <Failure error={grouped.error} retry={() => void grouped.refetch()} />}
      {grouped.data && <Groups usage={grouped.data} />}
    </Page>
  );
}

const titleOf = ({ costUsd, inputTokens, outputTokens, runs }: Usage["total"], span: string): string => {
  if (costUsd > 0) return `${moneyText(costUsd)} in ${span}`;
  if (inputTokens + outputTokens > 0) return `${shortText(inputTokens + outputTokens)} tokens in ${span}`;
  return runs > 0 ? `No run reported tokens in ${span}` : `No run in ${span}`;
};

/** Every day of the time, those without a run as 0. */
function Daily({ usage: { from, to, items, total } }: { usage: Usage }) {
  const isMoney = total.costUsd > 0;
  const known = new Map(items.map((item) => [item.key, isMoney ? item.costUsd : item.inputTokens + item.outputTokens]));
  const count = Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
  const at = Array.from({ length: count }, (_, n) => (Date.parse(from) + n * DAY_MS) / 1000);
  const values = at.map((seconds) => known.get(new Date(seconds * 1000).toISOString().slice(0, 10)) ?? 0);
  const most = Math.max(...values);
  return (
    <Chart
      {...{ at, values, isDays: true, height: 160, text: isMoney ? moneyText : shortText }}
      title={isMoney ? "Money a day" : "Tokens a day"}
      answer={`at most ${isMoney ? moneyText(most) : shortText(most)}`}
    />
  );
}

const HEAD = ["", "Runs", "In", "Out", "From cache", "USD"];

function Groups({ usage: { by, items, more } }: { usage: Usage }) {
  if (items.length === 0)
    return <Empty>Nothing was used in this time. Runs report tokens and money as they work.</Empty>;
  const shown = by === "day" ? items.toReversed() : items;
  return (
    <>
      <Table
        label={`Usage by ${by}`}
        head={[by[0]?.toUpperCase() + by.slice(1), ...HEAD.slice(1)]}
        rows={shown.map((item) => ({
          key: item.key ?? "",
          cells: [
            <Key key="key" by={by} item={item} />,
            ...[countText(item.runs), shortText(item.inputTokens), shortText(item.outputTokens)],
            ...[shortText(item.cacheReadTokens), item.costUsd === 0 ? "" : moneyText(item.costUsd)],
          ],
        }))}
      />
      {more && <Empty>There are more than these: take a shorter time.</Empty>}
    </>
  );
}

const LINK = "text-accent hover:underline";

/** The name of a group, as a way to it. */
function Key({ by, item: { key } }: { by: UsageBy; item: UsageItem }) {
  if (key === null) return <span className="text-ink3">{`no ${by}`}</span>;
  if (by === "agent")
    return (
      <Link to="/agents/$id" params={{ id: key }} className={LINK}>
        {visible(key)}
      </Link>
    );
  if (by === "thread")
    return (
      <Link to="/threads/$id" params={{ id: key }} className={LINK}>
        {`#${key}`}
      </Link>
    );
  if (by === "project")
    return (
      <Link to="/runs" search={{ project: key }} className={LINK}>
        {visible(key)}
      </Link>
    );
  return <>{visible(key)}</>;
}
