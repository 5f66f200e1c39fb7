import { describe, expect, test } from "bun:test";
import { agentOn, asking } from "../../support/ask.ts";
import { startTeam, type Team } from "../../support/delegations.ts";
import { startServer, type TestServer } from "../../support/server.ts";

/** A story in steps: between any two of them the relay may be gone for a while. */
interface Story {
  what: string;
  steps: ((team: Team, seen: Seen) => Promise<unknown>)[];
  end(team: Team, seen: Seen): Promise<void>;
}

interface Seen {
  asked: { id: string; messageId: number; from: string };
  held: { message: { id: number }; claim: { token: string } };
}

const answeredOnce = async ({ responses, ada }: Team, from: string) =>
  expect(await responses(ada)).toMatchObject([{ from }]);

const STORIES: Story[] = [
  {
    what: "asked, reported on, answered",
    steps: [
      async ({ delegate, ada }, seen) => Object.assign(seen, { asked: await delegate(ada, "bob") }),
      ({ on, bob }, { asked }) => on(asked, "progress", bob, { text: "half" }),
      ({ on, bob }, { asked }) => on(asked, "response", bob, { text: "done" }),
    ],
    async end(team, { asked }) {
      expect(await team.look(asked)).toMatchObject({ status: "answered", late: false });
      await answeredOnce(team, "bob");
    },
  },
  {
    what: "asked of a group, claimed, completed",
    steps: [
      async ({ delegate, ada }, seen) => Object.assign(seen, { asked: await delegate(ada, "tag:pool") }),
      async ({ claim, pat }, seen) => Object.assign(seen, { held: await claim(pat) }),
      ({ end, pat }, { held }) => end("complete", pat, held, { result: "done" }),
    ],
    async end(team, { asked }) {
      expect(await team.look(asked)).toMatchObject({ status: "answered", answer: { from: "pat", text: "done" } });
      await answeredOnce(team, "pat");
    },
  },
  {
    what: "asked, timed out, answered late",
    steps: [
      async ({ delegate, ada }, seen) =>
        Object.assign(seen, { asked: await delegate(ada, "bob", { timeoutSeconds: 60 }) }),
      ({ pass }) => pass(100_000),
      ({ on, bob }, { asked }) => on(asked, "response", bob, { text: "sorry" }),
    ],
    async end(team, { asked }) {
      expect(await team.look(asked)).toMatchObject({ status: "timed-out", late: true, answer: { from: "bob" } });
      expect(await team.responses(team.ada)).toMatchObject([{ from: "system" }, { from: "bob" }]);
    },
  },
  {
    what: "asked, its target deleted",
    steps: [
      async ({ delegate, ada }, seen) => Object.assign(seen, { asked: await delegate(ada, "bob") }),
      ({ ask }) => ask("DELETE", "/v1/agents/bob"),
      ({ pass }) => pass(400_000),
    ],
    async end(team, { asked }) {
      expect(await team.look(asked)).toMatchObject({ status: "failed", answer: { error: "bob was deleted" } });
      await answeredOnce(team, "system");
    },
  },
  {
    what: "delegated on, the tree cancelled",
    steps: [
      async ({ delegate, ada }, seen) => Object.assign(seen, { asked: await delegate(ada, "bob") }),
      ({ delegate, bob }, { asked }) => delegate(bob, "cid", { parentId: asked.id }),
      ({ on, ada }, { asked }) => on(asked, "cancel", ada, { tree: true }),
    ],
    async end(team, { asked }) {
      expect(await team.look(asked)).toMatchObject({ status: "cancelled" });
      await answeredOnce(team, "system");
      expect(await team.responses(team.bob)).toHaveLength(1);
    },
  },
];

describe("G7: a restart between any two steps changes nothing", () => {
  for (const { what, steps, end } of STORIES)
    for (let at = 1; at <= steps.length; at++)
      test(`G7: a restart between any two steps changes nothing: ${what}: after step ${at}`, async () => {
        const team = await startTeam({ durability: "full" });
        const seen = {} as Seen;
        for (const [n, step] of steps.entries()) {
          await step(team, seen);
          if (n + 1 === at) await team.restart(5000);
        }
        await end(team, seen);
      });

  test("G7: a deadline that passed while the relay was away has its answer soon after", async () => {
    const team = await startTeam({ durability: "full" });
    const asked = await team.delegate(team.ada, "bob", { timeoutSeconds: 60 });
    await team.restart(3_600_000);
    // A worker that went on must not suffer for the relay's absence.
    expect(await team.look(asked)).toMatchObject({ status: "pending" });
    await team.pass(31_000);
    expect(await team.look(asked)).toMatchObject({ status: "timed-out" });
    await answeredOnce(team, "system");
  });
});

describe("G1: kill -9", () => {
  test("after every step: the answer is there, and so is who waits for it", async () => {
    let server = await startServer();
    const { dataDir } = server;
    const again = async (): Promise<TestServer> => {
      await server.kill();
      server = await startServer({ dataDir });
      return server;
    };
    const ask = (...call: Parameters<ReturnType<typeof asking>>) => asking(server)(...call);
    const [ada, bob] = [await agentOn(ask, "ada"), await agentOn(ask, "bob")];
    const { id } = (await ask("POST", "/v1/delegations", { to: "bob", text: "please", timeoutSeconds: 600 }, ada)).body;
    await again();
    expect((await ask("POST", `/v1/delegations/${id}/progress`, { text: "half" }, bob)).status).toBe(201);
    await again();
    const waiting = ask("GET", `/v1/delegations/${id}?waitSeconds=60`, undefined, ada);
    expect((await ask("POST", `/v1/delegations/${id}/response`, { text: "done" }, bob)).status).toBe(201);
    expect((await waiting).body).toMatchObject({ status: "answered" });
    await again();
    const { items } = (await ask("GET", "/v1/agents/ada/inbox?after=0", undefined, ada)).body;
    expect(items.map(({ kind }: { kind: string }) => kind)).toEqual(["control", "response"]);
    expect((await ask("GET", `/v1/delegations/${id}`, undefined, ada)).body.answer.text).toBe("done");
  });
});
