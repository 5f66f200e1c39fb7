import type { Result } from "./rounds.ts";

/** The table that a run ends with, in Markdown. */
export function table(results: readonly Result[]): string {
  const lines = results.map((result) => [
    result.name,
    `${figure(result.median)} ${result.unit}`,
    `${figure(Math.min(...result.values))} to ${figure(Math.max(...result.values))}`,
    limit(result),
    result.kept === undefined ? "" : result.kept ? "yes" : "NO",
  ]);
  return layOut([["what", "median", "rounds", "limit", "kept"], ...lines]);
}

function figure(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

function limit({ atLeast, atMost, unit }: Result): string {
  if (atLeast !== undefined) return `at least ${atLeast.toLocaleString("en")} ${unit}`;
  return atMost === undefined ? "" : `at most ${atMost.toLocaleString("en")} ${unit}`;
}

function layOut(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}
