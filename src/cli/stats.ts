import type { Client } from "../client/client.ts";
import { SERIES, STATS_BY, STATS_STEPS, USAGE_BY } from "../protocol/series.ts";
import type { StatsLine } from "../protocol/stats.ts";
import type { UsageItem } from "../protocol/usage.ts";
import type { CliCommand, QueryOf } from "./commands.ts";
import { wholeNumber } from "./options.ts";
import { usageText } from "./run-text.ts";
import { safeLine } from "./screen.ts";
import { timeText } from "./show.ts";

const GROUP = "The relay:";
/** Columns of a chart in a line of text. */
const CHART_WIDTH = 48;
const BARS = "▁▂▃▄▅▆▇█";

/** Numbers for operators. */
export function addStatsCommands(program: CliCommand): void {
  addUsage(program);
  addSeries(program);
  addFlow(program);
}

const timed = (command: CliCommand, ago: string): CliCommand =>
  command
    .option("--from <time>", `from this time on, like 2026-05-04T00:00:00Z; ${ago} back by default`)
    .option("--to <time>", "up to this time; now by default");

function addUsage(program: CliCommand): void {
  timed(program.sub("usage", "Sum the tokens and money that runs reported", GROUP), "30 days")
    .choice("--by <group>", "one line for each of these; day by default", USAGE_BY)
    .option("--limit <n>", "how many lines", wholeNumber)
    .example("usage --by agent", "usage --by project --from 2026-05-01T00:00:00Z --json")
    .act(async ({ client, out }, query: QueryOf<Client["stats"]["usage"]>) => {
      const usage = await client.stats.usage(query);
      await out.show(usage, () => {
        const table = out.table([usage.by.toUpperCase(), "RUNS", "IN", "OUT", "CACHE", "USD"], usage.items.map(usedOf));
        const sum = usageText({ ...usage.total, byModel: {} }) || "nothing was reported";
        const span = `${timeText(usage.from)} to ${timeText(usage.to)}`;
        return `${table}\n${usage.more ? "There are more than these.\n" : ""}Together, ${span}: ${usage.total.runs} runs, ${sum}`;
      });
    });
}

function addSeries(program: CliCommand): void {
  timed(program.sub("stats", "Show how much the relay did, as series of numbers", GROUP), "a day")
    .option("--series <names>", `with commas between them: ${Object.keys(SERIES).join(", ")}`)
    .choice("--by <group>", "split one series by this", STATS_BY)
    .choice("--step <step>", "length of a step", STATS_STEPS)
    .example("stats", "stats --series messages --by agent --step hour")
    .act(async ({ client, out }, query: QueryOf<Client["stats"]["get"]>) => {
      const stats = await client.stats.get(query);
      await out.show(stats, () => {
        const table = out.table(["SERIES", "TOTAL", `BY ${stats.step.toUpperCase()}`], stats.items.map(lineOf));
        return `${table}\n${timeText(stats.from)} to ${timeText(stats.to)}${stats.more ? ", and more groups" : ""}`;
      });
    });
}

function addFlow(program: CliCommand): void {
  timed(program.sub("flow", "Show who talks to whom", GROUP), "a day")
    .option("--limit <n>", "how many lines", wholeNumber)
    .example("flow")
    .act(async ({ client, out }, query: QueryOf<Client["stats"]["flow"]>) => {
      const flow = await client.stats.flow(query);
      const rows = flow.edges.map(({ from, to, messages, delegations, lastAt }) => [
        ...[safeLine(from), safeLine(to), String(messages), String(delegations), timeText(lastAt)],
      ]);
      await out.show(flow, () =>
        rows.length === 0 ? "Nobody talked." : out.table(["FROM", "TO", "MESSAGES", "DELEGATIONS", "LAST"], rows),
      );
    });
}

const usedOf = ({ key, runs, inputTokens, outputTokens, cacheReadTokens, costUsd }: UsageItem): string[] => [
  ...[key === null ? "(none)" : safeLine(key), String(runs), String(inputTokens), String(outputTokens)],
  ...[String(cacheReadTokens), costUsd.toFixed(costUsd < 1 ? 4 : 2)],
];

function lineOf({ series, key, unit, total, values }: StatsLine): string[] {
  const number = total === null ? "-" : unit === "seconds" ? `${total} s` : String(total);
  return [key === null ? series : safeLine(key), number, chartOf(values)];
}

/** The highest value of each column, as a bar. */
function chartOf(values: readonly (number | null)[]): string {
  const width = Math.max(1, Math.ceil(values.length / CHART_WIDTH));
  const columns = Array.from({ length: Math.ceil(values.length / width) }, (_, n) =>
    Math.max(...values.slice(n * width, (n + 1) * width).map((value) => value ?? 0)),
  );
  const most = Math.max(...columns);
  return columns
    .map((value) =>
      value === 0 ? " " : (BARS[Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))] ?? ""),
    )
    .join("")
    .trimEnd();
}
