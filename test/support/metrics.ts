import type { TestRelay } from "./relay.ts";
import { until } from "./until.ts";

/** The value of one sample of `/metrics`, as it is written there; 0 when it is not. */
export async function metric({ ask }: Pick<TestRelay, "ask">, sample: string): Promise<number> {
  const { body } = await ask("GET", "/metrics");
  const line = String(body)
    .split("\n")
    .find((candidate) => candidate.startsWith(`${sample} `));
  return Number(line?.slice(sample.length + 1) ?? 0);
}

/** Waits until so many claimers wait for work. */
export const parked = (relay: Pick<TestRelay, "ask">, claimers: number): Promise<void> =>
  until(async () => (await metric(relay, "signalbox_parked_claimers")) === claimers, `${claimers} parked claimers`);
