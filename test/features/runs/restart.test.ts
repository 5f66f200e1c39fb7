import { describe, expect, test } from "bun:test";
import { type Crew, type ShownRun, startCrew } from "../../support/runs.ts";

type Seen = Record<string, ShownRun>;

/** A story in steps: between any two of them the relay may be gone for a while. */
interface Story {
  name: string;
  steps: ((crew: Crew, seen: Seen) => Promise<unknown>)[];
  end(crew: Crew, seen: Seen): Promise<void>;
}

const keep = async (seen: Seen, name: string, run: Promise<ShownRun>) => {
  seen[name] = await run;
};
const spawn = (crew: Crew, seen: Seen) => crew.run(crew.bob, { agentId: "cid" }, { "signalbox-run": seen.top.token });

const STORIES: Story[] = [
  {
    name: "asked for, taken, stopped, confirmed",
    steps: [
      (crew, seen) => keep(seen, "run", crew.run(crew.ada, { agentId: "bob", requester: { agentId: "ada" } })),
      (crew, seen) => keep(seen, "run", crew.take(crew.bob, seen.run)),
      (crew, seen) => crew.does(crew.ada, seen.run, "abort"),
      (crew, seen) => crew.finish(crew.bob, seen.run, { outcome: "aborted" }),
    ],
    async end(crew, { run }) {
      expect(await crew.see(run)).toMatchObject({ status: "ended", outcome: "aborted", confirmed: true });
      expect((await crew.words(crew.bob)).map((word) => word.do)).toEqual(["start", "abort"]);
    },
  },
  {
    name: "spawning, waiting, woken, done",
    steps: [
      (crew, seen) =>
        keep(
          seen,
          "top",
          crew
            .run(undefined, { agentId: "bob", requester: { agentId: "ada" } })
            .then((run) => crew.take(crew.bob, run)),
        ),
      (crew, seen) => keep(seen, "child", spawn(crew, seen)),
      (crew, seen) => keep(seen, "child", crew.take(crew.cid, seen.child)),
      (crew, seen) => crew.finish(crew.bob, seen.top, { result: "Asked." }),
      (crew, seen) => crew.finish(crew.cid, seen.child, { result: "One." }),
      (crew, seen) => keep(seen, "top", crew.take(crew.bob, seen.top)),
      (crew, seen) => crew.finish(crew.bob, seen.top, { result: "All." }),
    ],
    async end(crew, { top, child }) {
      expect(await crew.see(top)).toMatchObject({ status: "ended", outcome: "ok", result: { text: "All." } });
      expect(await crew.see(child)).toMatchObject({ status: "ended", outcome: "ok" });
      const told = (await crew.inbox(crew.ada)).filter(({ kind }) => kind === "announcement");
      expect(told).toMatchObject([{ from: "bob", body: "All." }]);
      expect((await crew.inbox(crew.bob)).filter(({ kind }) => kind === "announcement")).toMatchObject([
        { from: "cid" },
      ]);
      expect((await crew.words(crew.bob)).map((word) => word.do)).toEqual(["start", "wake"]);
    },
  },
  {
    name: "lost, late",
    steps: [
      (crew, seen) => keep(seen, "run", crew.run(crew.bob)),
      (crew) => crew.pass(200_000),
      (crew, seen) => crew.finish(crew.bob, seen.run, { result: "Late." }),
    ],
    async end(crew, { run }) {
      expect(await crew.see(run)).toMatchObject({
        status: "ended",
        outcome: "ok",
        late: true,
        result: { text: "Late." },
      });
    },
  },
  {
    name: "told between turns",
    steps: [
      (crew, seen) => keep(seen, "run", crew.run(crew.bob)),
      (crew, seen) => crew.does(undefined, seen.run, "messages", { id: "m", text: "And the tests?" }),
      (crew, seen) => crew.does(undefined, seen.run, "messages", { id: "m", text: "And the tests?" }),
      (crew, seen) => crew.finish(crew.bob, seen.run),
      (crew, seen) => keep(seen, "run", crew.take(crew.bob, seen.run)),
      (crew, seen) => crew.finish(crew.bob, seen.run, { result: "Green." }),
    ],
    async end(crew, { run }) {
      expect(await crew.see(run)).toMatchObject({ status: "ended", result: { text: "Green." } });
      expect(await crew.words(crew.bob)).toMatchObject([{ do: "start", text: "And the tests?" }]);
    },
  },
];

describe("G7, G11: a restart between any two steps of a run changes nothing", () => {
  for (const { name, steps, end } of STORIES)
    test(`G7, G11: a restart between any two steps changes nothing: ${name}`, async () => {
      const crew = await startCrew({ durability: "full" });
      const seen: Seen = {};
      for (const step of steps) {
        await step(crew, seen);
        await crew.restart(5000);
      }
      await end(crew, seen);
    });

  test("G7: runs have their grace after an absence of the relay, and end soon after it", async () => {
    const crew = await startCrew({ durability: "full" });
    const [running, queued, stopping] = [
      await crew.run(crew.bob, { timeoutSeconds: 600 }),
      await crew.run(crew.ada, { agentId: "bob" }),
      await crew.run(crew.cid),
    ];
    const plain = await crew.run(crew.ada, { agentId: "dan" });
    const [{ id: word }] = await crew.inbox(crew.dan);
    await crew.does(undefined, stopping, "abort");
    await crew.restart(2 * 86_400_000);
    await crew.ask("POST", "/v1/messages", { to: "ada", body: "Here.", replyTo: word }, crew.dan);
    expect(await crew.see(plain)).toMatchObject({ status: "ended", outcome: "ok", result: { text: "Here." } });
    for (const [run, status] of [
      [running, "running"],
      [queued, "queued"],
      [stopping, "stopping"],
    ] as const)
      expect(await crew.see(run)).toMatchObject({ status });
    // The words that waited for them have expired meanwhile. An answer to the first one is still an answer.
    expect(await crew.words(crew.bob)).toMatchObject([{ id: queued.id, do: "start" }]);
    expect(await crew.words(crew.cid)).toMatchObject([{ id: stopping.id, do: "abort" }]);
    await crew.pass(20_000);
    expect(await crew.finish(crew.cid, stopping, { outcome: "aborted" })).toMatchObject({ confirmed: true });
    await crew.pass(11_000);
    expect(await crew.see(running)).toMatchObject({ status: "ended" });
    expect(await crew.see(queued)).toMatchObject({ status: "ended", errorCode: "no-runner" });
  });

  test("G7: a clock that is set back lengthens no lease, no stop, and no deadline", async () => {
    const crew = await startCrew();
    const [run, queued, stopping] = [
      await crew.run(crew.bob),
      await crew.run(crew.ada, { agentId: "bob", timeoutSeconds: 600 }),
      await crew.run(crew.cid),
    ];
    await crew.does(undefined, stopping, "abort");
    crew.clock.jump(-86_400_000);
    await crew.run(crew.dan);
    await crew.pass(31_000);
    expect(await crew.see(stopping)).toMatchObject({ status: "ended", confirmed: false });
    expect(await crew.see(run)).toMatchObject({ status: "running" });
    await crew.pass(90_000);
    expect(await crew.see(run)).toMatchObject({ errorCode: "lost" });
    await crew.pass(480_000);
    expect(await crew.see(queued)).toMatchObject({ errorCode: "no-runner" });
  });
});
