/** Times that the flow is shown for. */
export const FLOW_SPANS = {
  hour: { label: "An hour", ms: 3_600_000 },
  day: { label: "A day", ms: 86_400_000 },
  week: { label: "A week", ms: 604_800_000 },
  month: { label: "A month", ms: 2_592_000_000 },
} as const;
