import { describe, expect, test } from "bun:test";
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
import type { Worker } from "../../support/work.ts";

const append = (crew: Crew, run: ShownRun, events: object, by: Worker = crew.bob, turn: unknown = run) =>
  crew.does(by, run, "events", events, (turn ?? undefined) as ShownRun);

async function shown({ ask, bob }: Crew, run: { id: string }, query = ""): Promise<ShownPart[]> {
  const { status, body } = await ask("GET", `/v1/runs/${run.id}/events${query}`, undefined, bob);
  expect(status).toBe(200);
  return body.items;
}

const types = (parts: ShownPart[]): string => parts.map(({ part }) => part.type).join(" ");

describe("events of a run", () => {
  test("events are stored as parts, with their places, from the start of the turn to its end", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const events = numbered([
      thought("Hm."),
      delta("Hel"),
      delta("lo"),
      toolStart("c1", { cmd: "ls" }),
      toolResult("c1", "a.ts"),
    ]);
    expect(await append(crew, run, events)).toMatchObject({ status: 200, body: { next: 5 } });
    await crew.finish(crew.bob, run);
    const parts = await shown(crew, run);
    expect(types(parts)).toBe(
      "start start-step reasoning-start reasoning-delta reasoning-end text-start text-delta text-end " +
        "tool-input-start tool-input-available tool-output-available finish-step finish",
    );
    expect(parts[0]?.part.messageId).toBe(run.turnId);
    expect(balanceOf(parts.map(({ part }) => part))).toEqual([]);
    expect(textOf(parts.map(({ part }) => part))).toBe("Hello");
    expect(parts.every(({ turnId }) => turnId === run.turnId)).toBe(true);
    const places = parts.map(({ place }) => place);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test("G5: a repeat is ignored, a gap stops the batch, and a new source begins anew", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const [one, two, three, four] = numbered([delta("1"), delta("2"), delta("3"), delta("4")]) as [
      object,
      object,
      object,
      object,
    ];
    expect((await append(crew, run, [one, two])).body).toEqual({ next: 2 });
    expect((await append(crew, run, [one, two, three])).body).toEqual({ next: 3 });
    expect((await append(crew, run, [one])).body).toEqual({ next: 3 });
    const gap = numbered([delta("6"), delta("7")], 5);
    expect((await append(crew, run, [four, ...gap])).body).toEqual({ next: 4, missing: { from: 4, to: 4 } });
    expect((await append(crew, run, gap)).body).toEqual({ next: 4, missing: { from: 4, to: 4 } });
    expect((await append(crew, run, numbered([delta("5")], 3, "again"))).body).toEqual({
      next: 0,
      missing: { from: 0, to: 2 },
    });
    expect((await append(crew, run, numbered([delta("5")], 0, "again"))).body).toEqual({ next: 1 });
    expect(textOf((await shown(crew, run)).map(({ part }) => part))).toBe("12345");
  });

  test("events may come as lines, and all of a batch is refused where one is not acceptable", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const lines = (events: object[]) => events.map((event) => JSON.stringify(event)).join("\n");
    const ndjson = (body: string) =>
      crew.ask("POST", `/v1/runs/${run.id}/events`, body, {
        ...crew.bob,
        headers: { "content-type": "application/x-ndjson", "signalbox-run": run.token },
      });
    expect((await ndjson(lines(numbered([delta("a"), delta("b")])))).body).toEqual({ next: 2 });
    const bad: [object, string][] = [
      [{ stream: "assistant", data: { delta: "x", more: 1 } }, "/1/data/more"],
      [{ stream: "user", data: { id: "u", text: "me" } }, "/1/stream"],
      [{ stream: "thinking", data: { delta: "x".repeat(65_537) } }, "/1/data/delta"],
      [{ stream: "tool", data: { phase: "start", toolCallId: "" } }, "/1/data/toolCallId"],
      [toolStart("c", { a: "x".repeat(65_537) }), "/1/data/args"],
      [{ stream: "assistant", data: { delta: "x".repeat(40_000), text: "y".repeat(40_000) } }, "/events/1/data"],
      [{ stream: "assistant", data: { delta: "\ud800" } }, "/1/data/delta"],
      [{ stream: "usage", data: { inputTokens: -1 } }, "/1/data/inputTokens"],
      [{ stream: "input", data: { messageIds: [], state: "started" } }, "/1/data/messageIds"],
    ];
    for (const [event, pointer] of bad) {
      const { status, body } = await append(crew, run, numbered([delta("c"), event], 2));
      expect([status, body.errors?.[0]?.pointer]).toEqual([422, pointer]);
    }
    expect(textOf((await shown(crew, run)).map(({ part }) => part))).toBe("ab");
  });

  test("a runner without, or with a foreign or an old token, appends nothing", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const foreign = await crew.run(crew.cid);
    for (const token of [null, foreign.token, "rnt_x"])
      expect((await append(crew, run, numbered([delta("x")]), crew.bob, token)).body.code).toBe("claim-lost");
    expect((await append(crew, run, numbered([delta("x")]), crew.cid)).status).toBe(403);
    const other = numbered([{ ...delta("x"), turnId: foreign.turnId }]);
    expect((await append(crew, run, other)).body.code).toBe("claim-lost");
    await crew.finish(crew.bob, run);
    expect((await append(crew, run, numbered([delta("x")]))).body.code).toBe("claim-lost");
    expect(types(await shown(crew, run))).toBe("start start-step finish-step finish");
    await crew.finish(crew.cid, foreign);
  });

  test("G7: a relay that was restarted in the middle of a turn goes on with its open parts", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    await append(crew, run, numbered([delta("Hel"), toolStart("c1")]));
    await append(crew, run, numbered([delta("wor")], 2));
    await crew.restart();
    expect((await append(crew, run, numbered([delta("wor"), delta("ld")], 2))).body).toEqual({ next: 4 });
    await crew.finish(crew.bob, run);
    const parts = (await shown(crew, run)).map(({ part }) => part);
    expect(balanceOf(parts)).toEqual([]);
    expect(textOf(parts)).toBe("Helworld");
    expect(parts.filter(({ type }) => type === "tool-output-error")).toHaveLength(1);
  });

  test("a finish without a result takes the last visible text, never the output of a tool", async () => {
    const crew = await startCrew();
    const text = async (events: object[]) => {
      const run = await crew.run(crew.bob);
      await append(crew, run, numbered(events));
      return (await crew.finish(crew.bob, run)).result?.text;
    };
    expect(await text([delta("First."), toolStart("c"), toolResult("c", "raw"), delta("La"), delta("st.")])).toBe(
      "Last.",
    );
    expect(await text([delta("Said."), toolStart("c"), toolResult("c", "raw")])).toBe("Said.");
    expect(await text([delta("One."), thought("hm"), delta("Two.")])).toBe("One.\n\nTwo.");
    expect(await text([toolStart("c"), delta("One"), toolResult("c", "raw"), delta(" whole.")])).toBe("One whole.");
    expect(await text([thought("hm")])).toBeUndefined();
  });

  test("a result is shown where the runner sent no text, and the end of every turn is shown once", async () => {
    const crew = await startCrew();
    const [silent, lost, failed] = [await crew.run(crew.bob), await crew.run(crew.bob), await crew.run(crew.bob)];
    await crew.finish(crew.bob, silent, { result: "The answer." });
    expect(textOf((await shown(crew, silent)).map(({ part }) => part))).toBe("The answer.");
    await append(crew, lost, numbered([delta("Half"), toolStart("c1")]));
    await append(crew, failed, numbered([{ stream: "lifecycle", data: { phase: "error", error: "overloaded" } }]));
    await crew.pass(600_000);
    for (const [run, end] of [
      [lost, "error"],
      [failed, "error"],
    ] as const) {
      const parts = (await shown(crew, run)).map(({ part }) => part);
      expect(balanceOf(parts)).toEqual([]);
      expect(parts.at(-1)?.type).toBe(end);
    }
    expect((await shown(crew, failed)).at(-1)?.part.errorText).toBe("overloaded");
  });

  test("usage is added to the run, and a runner that says that it has ended is over after a while", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob, { model: "m1" });
    const usage = (inputTokens: number, model?: string) => ({ stream: "usage", data: { inputTokens, model } });
    const end = { stream: "lifecycle", data: { phase: "end" } };
    await append(crew, run, numbered([usage(3), usage(4, "m2"), delta("Done."), end]));
    expect((await crew.see(run)).usage).toMatchObject({ inputTokens: 7, byModel: { m1: { inputTokens: 3 } } });
    await append(crew, run, numbered([delta("More.")], 4));
    await crew.pass(16_000);
    expect((await crew.see(run)).status).toBe("running");
    await append(crew, run, numbered([end, usage(1)], 5));
    await append(crew, run, numbered([usage(1)], 7));
    await crew.pass(16_000);
    expect(await crew.see(run)).toMatchObject({ status: "ended", outcome: "ok", result: { text: "Done.\n\nMore." } });
  });

  test("pages of parts go on where the last one ended, forwards and backwards, for one turn or all", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    await append(crew, run, numbered(Array.from({ length: 20 }, (_, i) => [thought(`${i}`), delta(`${i}`)]).flat()));
    const all = await shown(crew, run);
    const pages: ShownPart[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const { body } = await crew.ask("GET", `/v1/runs/${run.id}/events?limit=7&after=${after}`, undefined, crew.bob);
      pages.push(...body.items);
      after = body.next;
    }
    expect(pages).toEqual(all);
    const before = all[10]?.place;
    expect(await shown(crew, run, `?limit=4&before=${before}`)).toEqual(all.slice(6, 10));
    expect(await shown(crew, run, `?turn=${run.turnId}`)).toEqual(all);
    expect(await shown(crew, run, "?turn=trn_none")).toEqual([]);
    await crew.finish(crew.bob, run);
  });

  test("a page of parts ends at 4 MiB", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const large = Array.from({ length: 90 }, (_, i) => toolStart(`c${i}`, { text: "x".repeat(60_000) }));
    await append(crew, run, numbered(large));
    const { body } = await crew.ask("GET", `/v1/runs/${run.id}/events?limit=5000`, undefined, crew.bob);
    expect(JSON.stringify(body).length).toBeLessThan(4 * 1024 * 1024 + 1000);
    expect(body.next).toBe(body.items.at(-1).place);
  });

  test("files that a run shows have their name and type, and stay; those of others are refused", async () => {
    const crew = await startCrew();
    const upload = async (by: Worker, name: string) =>
      (await crew.ask("POST", `/v1/files?name=${name}`, { of: name }, by)).body.id as string;
    const [mine, foreign] = [await upload(crew.bob, "plan.json"), await upload(crew.cid, "other.json")];
    const show = (...ids: string[]) => ({ stream: "assistant", data: { files: ids.map((fileId) => ({ fileId })) } });
    const { id: messageId } = (await crew.ask("POST", "/v1/messages", { to: "bob", body: "Draw" }, crew.ada)).body;
    const [run, alone] = [await crew.run(crew.bob, { messageId }), await crew.run(crew.bob)];
    for (const one of [run, alone]) expect((await append(crew, one, numbered([show(mine)]))).status).toBe(200);
    expect((await shown(crew, run)).at(-1)?.part).toEqual({
      ...{ type: "file", url: `/v1/files/${mine}`, mediaType: "application/json", filename: "plan.json" },
    });
    const refused = await append(crew, run, numbered([show(mine, foreign)], 1));
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, "/events/0/data/files/1/fileId"]);
    await crew.pass(3 * 86_400_000);
    expect((await crew.ask("GET", `/v1/files/${mine}`, undefined, crew.ada)).status).toBe(200);
    expect((await crew.ask("GET", `/v1/files/${foreign}`, undefined, crew.cid)).status).toBe(404);
  });

  test("the changes of files add up", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const diff = (path: string, change: string, added: number, patch?: string) => ({
      ...{ stream: "diff", data: { path, change, added, removed: 1, patch } },
    });
    await append(
      crew,
      run,
      numbered([
        ...[diff("a.ts", "added", 3, "+a"), diff("a.ts", "modified", 2, "+b"), diff("b.ts", "modified", 1)],
        ...[diff("c.ts", "added", 1), diff("c.ts", "deleted", 0), delta("Done.")],
      ]),
    );
    expect((await crew.ask("GET", `/v1/runs/${run.id}/diff`, undefined, crew.bob)).body).toEqual({
      files: [
        { path: "a.ts", change: "added", added: 5, removed: 2, patch: "+a\n+b" },
        { path: "b.ts", change: "modified", added: 1, removed: 1, patch: null },
      ],
      ...{ added: 6, removed: 3, cut: false },
    });
  });

  test("thoughts and tools are not for the readers of the run's message", async () => {
    const crew = await startCrew();
    const asked = await crew.ask("POST", "/v1/messages", { to: "tag:pool", body: "Look" }, crew.ada);
    const run = await crew.run(crew.pat, { messageId: asked.body.id });
    for (const path of ["", "/events", "/diff", "/events/stream", "/stream"]) {
      const { status } = await crew.ask("GET", `/v1/runs/${run.id}${path}?`, undefined, crew.pia);
      expect([path, status]).toEqual([path, path === "" ? 200 : 403]);
    }
    expect((await crew.ask("GET", "/v1/runs/run_none/events")).status).toBe(404);
  });
});
