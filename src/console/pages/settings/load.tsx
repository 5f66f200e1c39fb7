import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import type { SeriesName } from "../../../protocol/series.ts";
import type { Stats, StatsLine } from "../../../protocol/stats.ts";
import { api } from "../../api.ts";
import { countText, durationText, shortText } from "../../ui/amounts.ts";
import { Chart } from "../../ui/chart.tsx";
import { Failure, Loading } from "../../ui/notes.tsx";
import { Page } from "../../ui/page.tsx";
import { TAB, Tabs } from "../../ui/tabs.tsx";

const route = getRouteApi("/settings/$section");
const SPANS = [
  ["hour", "An hour", 3_600_000, "minute", "the last hour"],
  ["day", "A day", 86_400_000, "hour", "the last day"],
  ["week", "A week", 604_800_000, "hour", "the last week"],
  ["quarter", "90 days", 7_776_000_000, "day", "the last 90 days"],
] as const;
export type LoadSpan = (typeof SPANS)[number][0];

const CHARTS: readonly [SeriesName, string, "red"?][] = [
  ["messages", "Messages"],
  ["workWaiting", "Work waiting"],
  ["claims", "Claims"],
  ["completions", "Work done"],
  ["failures", "Failures", "red"],
  ["deadLetters", "Dead letters", "red"],
  ["runsStarted", "Runs started"],
  ["runSeconds", "Time of a run"],
  ["offerSeconds", "Time until handed over"],
  ["answerSeconds", "Time to an answer"],
  ["approvals", "Questions to people"],
  ["approvalSeconds", "Time to a person's answer"],
  ["refused", "Refused requests"],
  ["errors", "Errors of the relay", "red"],
];

/** How much the relay does, in small charts. */
export function LoadSection() {
  const { span: asked = "day" } = route.useSearch();
  const [span, , ms, step, words] = SPANS.find(([name]) => name === asked) ?? SPANS[1];
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["stats", span],
    queryFn: ({ signal }) =>
      api.stats.get(
        { series: CHARTS.map(([name]) => name), step, from: new Date(Date.now() - ms).toISOString() },
        { signal },
      ),
    placeholderData: keepPreviousData,
    refetchInterval: span === "hour" ? 20_000 : 60_000,
  });
  const total = data?.items.find(({ series }) => series === "messages")?.total ?? 0;
  return (
    <Page title={data ? `${countText(total)} ${total === 1 ? "message" : "messages"} in ${words}` : "Load"}>
      <Tabs label="Time">
        {SPANS.map(([name, label]) => (
          <Link
            key={name}
            to="/settings/$section"
            params={{ section: "load" }}
            search={{ span: name }}
            className={TAB}
            aria-current={name === span ? "page" : undefined}
          >
            {label}
          </Link>
        ))}
      </Tabs>
      {isPending && <Loading what="the numbers" />}
      {error && <Failure error={error} retry={() => void refetch()} />}
      {data && <Charts stats={data} />}
    </Page>
  );
}

function Charts({ stats }: { stats: Stats }) {
  const { from, stepSeconds, items, step } = stats;
  const count = items[0]?.values.length ?? 0;
  const at = useMemo(
    () => Array.from({ length: count }, (_, n) => Date.parse(from) / 1000 + n * stepSeconds),
    [from, count, stepSeconds],
  );
  return (
    <div className="grid grid-cols-[repeat(auto-fill,minmax(280px,1fr))] gap-x-8 gap-y-4">
      {CHARTS.map(([name, title, colour]) => {
        const line = items.find(({ series }) => series === name);
        if (!line) return null;
        return (
          <Chart
            key={name}
            {...{ at, title, values: line.values, text: textOf(line), answer: answerOf(line), isDays: step === "day" }}
            kind={KINDS[line.unit]}
            isWhole={line.unit !== "seconds"}
            {...(line.total && colour && { colour })}
          />
        );
      })}
    </div>
  );
}

const KINDS = { count: "bars", level: "steps", seconds: "line" } as const;
const SECONDS = (value: number): string => durationText(value * 1000);
const textOf = ({ unit }: StatsLine) => (unit === "seconds" ? SECONDS : shortText);

function answerOf({ unit, total }: StatsLine): string {
  if (total === null) return "none";
  if (unit === "seconds") return `${SECONDS(total)} on average`;
  return unit === "level" ? `${countText(total)} now` : countText(total);
}
