/** `$0.84`; nothing where the cost is unknown. */
export const moneyText = (usd: number | null | undefined): string => (usd == null ? "" : `$${usd.toFixed(2)}`);

/** `1,204`. */
export const countText = (count: number): string => count.toLocaleString("en");

/** `0.4 s`, `12 s`, `3 min 5 s`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

/** `1,204`, `12.4k`, `3.1M`: for axes and narrow columns. */
export const shortText = (count: number): string =>
  count < 10_000
    ? count.toLocaleString("en", { maximumFractionDigits: 2 })
    : count.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 }).replace("K", "k");
