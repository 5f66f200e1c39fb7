import { describe, expect, test } from "bun:test";
import { compactionSweep } from "../../../src/features/runs/compact.ts";
import type { PartStore } from "../../../src/features/runs/store-parts.ts";
import type { Tx } from "../../../src/kernel/db/database.ts";
import {
  balanceOf,
  delta,
  numbered,
  type ShownPart,
  textOf,
  thought,
  toolResult,
  toolStart,
} from "../../support/parts.ts";
import { type Crew, type ShownRun, startCrew } from "../../support/runs.ts";

const HOUR_MS = 3_600_000;

async function log({ ask, bob }: Crew, { id }: ShownRun): Promise<{ items: ShownPart[]; full: boolean }> {
  return (await ask("GET", `/v1/runs/${id}/events?limit=5000`, undefined, bob)).body;
}

/** Sweeps begin two minutes after a start, and run every hour. */
const sweep = async (crew: Crew, hours: number) => {
  await crew.pass(hours * HOUR_MS);
  await crew.pass(HOUR_MS + 1);
  for (let i = 0; i < 10; i++) await crew.pass(1);
};

async function written(crew: Crew, text: string): Promise<ShownRun> {
  const run = await crew.run(crew.bob);
  let seq = 0;
  const add = async (events: object[]) => {
    expect((await crew.does(crew.bob, run, "events", numbered(events, seq), run)).status).toBe(200);
    seq += events.length;
  };
  // One call for each delta: in one call they would be joined at once.
  for (const piece of text) await add([delta(piece)]);
  await add([thought("a")]);
  await add([thought("b")]);
  const update = { stream: "tool", data: { phase: "update", toolCallId: "c1", result: "half" } };
  await add([toolStart("c1"), update, update, toolResult("c1", "whole")]);
  await crew.finish(crew.bob, run);
  return run;
}

describe("the log of a run that has ended", () => {
  test("deltas are joined a day after the end of a run, and nothing that they said is lost", async () => {
    const crew = await startCrew();
    const text = "A text of a run, piece by piece. ".repeat(10);
    const run = await written(crew, text);
    const before = await log(crew, run);
    expect(before.full).toBe(true);
    await sweep(crew, 20);
    expect(await log(crew, run)).toEqual(before);
    await sweep(crew, 5);
    const after = await log(crew, run);
    expect(after.full).toBe(false);
    const parts = after.items.map(({ part }) => part);
    expect(balanceOf(parts)).toEqual([]);
    expect(textOf(parts)).toBe(text);
    expect(parts.filter(({ type }) => type.endsWith("-delta"))).toHaveLength(2);
    expect(parts.filter(({ type }) => type === "tool-output-available")).toMatchObject([{ output: { text: "whole" } }]);
    // Parts that stay keep their places, so that a viewer can still resume.
    const places = new Set(before.items.map(({ place }) => place));
    expect(after.items.every(({ place }) => places.has(place))).toBe(true);
    expect((await crew.see(run)).result.text).toBe(text.trimEnd());
  });

  test("a run that somebody reads just now waits for the next sweep", async () => {
    const untouched = new Proxy({} as PartStore, {
      get: (_, name) => async () => (name === "notCompact" ? "run_1" : expect.unreachable(`calls ${String(name)}`)),
    });
    const sweepOf = (isFollowed: boolean) => compactionSweep(untouched, 1, () => isFollowed);
    const slice = { before: 1, floor: 0, limit: 200 };
    expect(await sweepOf(true).sweep({} as Tx, slice)).toBe(0);
    expect(sweepOf(false).sweep({} as Tx, slice)).rejects.toThrow("calls after");
  });

  test("a run that goes on is whole again, and is joined again after its next end", async () => {
    const crew = await startCrew({ runEventHours: 1 });
    const run = await written(crew, "One");
    await sweep(crew, 2);
    expect((await log(crew, run)).full).toBe(false);
    await crew.ask("POST", `/v1/runs/${run.id}/messages`, { text: "More" });
    const again = await crew.take(crew.bob, run);
    expect((await log(crew, run)).full).toBe(true);
    for (const [seq, piece] of [..."Two"].entries())
      await crew.does(crew.bob, again, "events", numbered([delta(piece)], seq, "second"), again);
    await crew.finish(crew.bob, again);
    const shown = (await log(crew, run)).items.map(({ part }) => part);
    expect(shown.filter(({ type }) => type === "data-user-message")).toMatchObject([{ data: { text: "More" } }]);
    await sweep(crew, 2);
    const { items, full } = await log(crew, run);
    expect(full).toBe(false);
    expect(textOf(items.map(({ part }) => part))).toBe("OneTwo");
  });
});
