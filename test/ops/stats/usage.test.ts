import { describe, expect, test } from "bun:test";
import { startCrew } from "../../support/runs.ts";

const DAY = 86_400_000;

/** Appends usage events to a running run. */
async function crewWithUsage() {
  const crew = await startCrew({ retentionDays: 7 });
  let source = 0;
  return Object.assign(crew, {
    /** The keys with runs, tokens in and money. */
    async sums(query: string) {
      const { body, status } = await crew.ask("GET", `/v1/usage?${query}`);
      if (status !== 200) throw new Error(JSON.stringify(body));
      return body.items.map((item: Record<string, unknown>) => [item.key, item.runs, item.inputTokens, item.costUsd]);
    },
    use: (by: { token: string }, run: { id: string; token: string }, data: object, repeat = `s${++source}`) =>
      crew.does(by as never, run, "events", [{ source: repeat, seq: 0, stream: "usage", data }], run),
  });
}

describe("usage", () => {
  test("each report counts once, for its day and every group of its run, and outlives the run", async () => {
    const crew = await crewWithUsage();
    const { cid, bob } = crew;
    const first = await crew.run(cid, { project: "github.com/a/b", model: "opus" });
    await crew.use(cid, first, { inputTokens: 100, outputTokens: 10, costUsd: 0.5 }, "once");
    await crew.use(cid, first, { inputTokens: 100, outputTokens: 10, costUsd: 0.5 }, "once");
    await crew.use(cid, first, { inputTokens: 7, model: "haiku" });
    const end = { outcome: "ok", result: "x", usage: { inputTokens: 3, costUsd: 0.25 } };
    await crew.does(cid, first, "finish", end, first);
    await crew.does(cid, first, "finish", end, first);
    expect(await crew.sums("by=agent")).toEqual([["cid", 1, 110, 0.75]]);

    await crew.pass(DAY);
    const second = await crew.run(bob, {});
    await crew.use(bob, second, { inputTokens: 1000, model: "haiku" });
    await crew.finish(bob, second, { result: "x" });
    const all = {
      agent: [
        ["cid", 1, 110, 0.75],
        ["bob", 1, 1000, 0],
      ],
      project: [
        ["github.com/a/b", 1, 110, 0.75],
        [null, 1, 1000, 0],
      ],
      model: [
        ["opus", 1, 103, 0.75],
        ["haiku", 2, 1007, 0],
      ],
      person: [[null, 2, 1110, 0.75]],
      day: [
        ["2026-03-01", 1, 110, 0.75],
        ["2026-03-02", 1, 1000, 0],
      ],
    };
    for (const [by, sums] of Object.entries(all)) expect(await crew.sums(`by=${by}`)).toEqual(sums);
    expect(await crew.sums("by=agent&from=2026-03-02T05:00:00Z")).toEqual([["bob", 1, 1000, 0]]);
    expect(await crew.sums("by=agent&to=2026-03-01T23:59:59Z")).toEqual([["cid", 1, 110, 0.75]]);

    await crew.restart();
    // Retention deletes the runs; the sums stay.
    await crew.pass(9 * DAY);
    await crew.pass(3_600_000);
    expect((await crew.ask("GET", `/v1/runs/${first.id}`)).status).toBe(404);
    for (const [by, sums] of Object.entries(all)) expect(await crew.sums(`by=${by}`)).toEqual(sums);
    const { body } = await crew.ask("GET", "/v1/usage?by=model&limit=1");
    expect(body).toMatchObject({ more: true, total: { runs: 2, inputTokens: 1110, costUsd: 0.75 } });

    // Days go after two years.
    await crew.restart(740 * DAY);
    await crew.pass(DAY + 7_200_000);
    await crew.pass(3_600_000);
    expect(await crew.sums("by=day&from=2026-01-01T00:00:00Z")).toEqual([]);
  });

  test("threads and persons have their sums, and a rolled back report leaves none", async () => {
    const crew = await crewWithUsage();
    const { cid, bob } = crew;
    await crew.ask("PUT", "/v1/people/una", { name: "Una", role: "member" });
    const una = (await crew.ask("POST", "/v1/tokens", { role: "member", personId: "una" })).body;
    const asked = (await crew.ask("POST", "/v1/runs", { agentId: "cid", task: "Count" }, una)).body;
    const run = await crew.take(cid, asked);
    await crew.use(cid, run, { inputTokens: 5 });
    const refused = await crew.does(bob, run, "finish", { outcome: "ok", usage: { inputTokens: 9 } }, run);
    expect(refused.status).toBe(403);
    expect(await crew.sums("by=person")).toEqual([["una", 1, 5, 0]]);
    expect(await crew.sums("by=thread")).toEqual([[String(asked.threadId), 1, 5, 0]]);
  });

  test("garbage in a query is refused with its place", async () => {
    const crew = await startCrew();
    const garbage = {
      ...{ "by=week": "by", "from=yesterday": "from", "to=2026-03-01": "to", "limit=0": "limit", "limit=501": "limit" },
      ...{
        "unit=usd": "unit",
        "from=0000-01-01T00:00:00Z&by=%00": "by",
        "from=2026-03-05T00:00:00Z&to=2026-03-05T00:00:00Z": "to",
      },
      ...{ "from=2026-03-05T00:00:00Z&to=2026-03-04T00:00:00Z": "to", "from=9999-12-31T23:59:59.999Z": "from" },
    };
    for (const [query, pointer] of Object.entries(garbage)) {
      const { status, body } = await crew.ask("GET", `/v1/usage?${query}`);
      const pointers = body.errors?.map((error: { pointer: string }) => error.pointer);
      expect({ query, status, pointers }).toEqual({ query, status: 422, pointers: [pointer] });
    }
    const { body } = await crew.ask("GET", "/v1/usage?from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59.999Z");
    expect(body).toMatchObject({ items: [], total: { runs: 0 } });
    const first = await crew.ask("GET", "/v1/usage?to=0000-01-01T05:00:00Z");
    expect(first.body).toMatchObject({ from: "0000-01-01T00:00:00.000Z", to: "0000-01-02T00:00:00.000Z" });
  });
});
