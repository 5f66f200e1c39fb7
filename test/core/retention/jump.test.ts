import { describe, expect, test } from "bun:test";
import { restoredCopy } from "../../support/backup.ts";
import { metric } from "../../support/metrics.ts";
import { until } from "../../support/until.ts";
import { type Crew, startCrew } from "../../support/work.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

async function fill(crew: Crew, times: number): Promise<void> {
  const messages = Array.from({ length: times }, (_, i) => ({ to: "ann", body: `${i}` }));
  const sent = await crew.ask("POST", "/v1/messages/batch", { messages }, crew.boss);
  expect(sent.status).toBe(201);
}

async function left({ ask }: Crew): Promise<number> {
  const { body } = await ask("GET", "/v1/messages?limit=500");
  return body.items.length;
}

/** Time passes, and retention has run once more. */
async function runs(crew: Crew, passing = HOUR): Promise<void> {
  // A jump is noticed by the next write, which plans the next run anew.
  await crew.pass(0);
  const before = await runsSoFar(crew);
  crew.clock.advance(passing);
  await until(async () => (await runsSoFar(crew)) > before, "retention has run");
}
const runsSoFar = (crew: Crew) => metric(crew, "signalbox_retention_runs_total");

describe("retention after a jump of the clock", () => {
  test("retention after a jump of the clock takes no more than a tenth of the log, however often it runs, until a day has passed", async () => {
    const crew = await startCrew({ retentionDays: 30 });
    await fill(crew, 200);
    await runs(crew);
    expect(await left(crew)).toBe(200);
    crew.clock.jump(40 * DAY);
    for (let hour = 0; hour < 5; hour++) await runs(crew);
    expect(await left(crew)).toBe(180);
    await runs(crew, DAY);
    await runs(crew);
    expect(await left(crew)).toBe(0);
  });

  test("retention after a jump of the clock has forgotten nothing of that after a restart", async () => {
    const crew = await startCrew({ retentionDays: 30 });
    await fill(crew, 200);
    crew.clock.jump(40 * DAY);
    await runs(crew);
    await crew.restart();
    await runs(crew);
    await crew.restart();
    await fill(crew, 1);
    await runs(crew);
    expect(await left(crew)).toBe(181);
  });

  test("retention after a jump of the clock that was set right again deletes nothing more", async () => {
    const crew = await startCrew({ retentionDays: 30 });
    await fill(crew, 200);
    crew.clock.jump(40 * DAY);
    await runs(crew);
    crew.clock.jump(-40 * DAY);
    await runs(crew);
    await runs(crew, 2 * DAY);
    expect(await left(crew)).toBe(180);
  });

  test("retention after a jump of the clock is as careful when the relay was away while the clock jumped", async () => {
    const crew = await startCrew({ retentionDays: 30 });
    await fill(crew, 200);
    await crew.restart(40 * DAY);
    await runs(crew);
    await runs(crew);
    expect(await left(crew)).toBe(180);
    await runs(crew, DAY);
    await runs(crew);
    expect(await left(crew)).toBe(0);
  });

  test("retention after a jump of the clock takes no ended task, until a day has passed", async () => {
    const crew = await startCrew({ retentionDays: 30 });
    const { id } = (await crew.ask("POST", "/v1/tasks", { title: "done long ago" })).body;
    await crew.ask("POST", `/v1/tasks/${id}/status`, { status: "cancelled" });
    const status = async () => (await crew.ask("GET", `/v1/tasks/${id}`)).status;
    crew.clock.jump(40 * DAY);
    for (let hour = 0; hour < 3; hour++) await crew.pass(HOUR);
    expect(await status()).toBe(200);
    for (let hour = 0; hour < 25; hour++) await crew.pass(HOUR);
    expect(await status()).toBe(404);
  });

  test("retention after a jump of the clock counts entries, not ids: a gap that a restored backup left is none of them", async () => {
    const crew = await startCrew({ retentionDays: 30 });
    await fill(crew, 100);
    const restored = await startCrew({ retentionDays: 30, dataDir: await restoredCopy(crew) });
    await fill(restored, 100);
    restored.clock.jump(40 * DAY);
    await runs(restored);
    expect(await left(restored)).toBe(180);
  });
});
