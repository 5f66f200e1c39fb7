import { describe, expect, test } from "bun:test";
import { AGENT, startDaemon, until } from "../support/daemon.ts";

const untilTime = Date.parse("2026-03-01T14:05:00Z");

/** A daemon, and an agent that asks its agent for answers. */
async function withEve() {
  const world = await startDaemon();
  const by = { token: (await world.relay.agent("eve")).token };
  const ask = async (method: string, path: string, body?: unknown) =>
    (await world.relay.ask(method, path, body, by)).body;
  const delegation = (id: string) => ask("GET", `/v1/delegations/${id}`);
  return {
    ...{ world, ask, delegation },
    delegate: async (text: string): Promise<string> => (await ask("POST", "/v1/delegations", { to: AGENT, text })).id,
    /** Texts that came with a delegation, or with a message: notes, and the rest. */
    async heard(): Promise<{ notes: string[]; others: string[] }> {
      const { items } = await ask("GET", "/v1/agents/eve/inbox");
      const isNote = ({ payload }: { payload: { progress?: boolean } | null }) => payload?.progress === true;
      const bodies = (list: { body: string }[]) => list.map(({ body }) => body);
      return {
        notes: bodies(items.filter(isNote)),
        others: bodies(items.filter((item: Parameters<typeof isNote>[0]) => !isNote(item))),
      };
    },
    works: (count: number) => until(() => world.fake.sessions[count - 1]?.isWorking === true),
  };
}

describe("G11: a note of the daemon is no answer", () => {
  test("of a delegation whose CLI crashes: the asker gets the answer that comes after it", async () => {
    const { world, delegate, delegation, heard, works } = await withEve();
    const id = await delegate("How many?");
    await works(1);
    world.fake.latest().crash();
    await works(2);
    await until(async () => (await heard()).notes.length === 1);
    expect(await delegation(id)).toMatchObject({ status: "pending", answer: null });
    world.fake.latest().turn.finish("Nine.");
    await until(async () => (await delegation(id)).status === "answered");
    expect((await delegation(id)).answer).toMatchObject({ text: "Nine." });
    const crashed = "My program crashed in the middle of this. I go on once more. A tool that ran may run twice.";
    expect(await heard()).toEqual({ notes: [crashed], others: ["Nine."] });
  });

  test("of a delegation that meets a limit, and of a run that waits for the same one", async () => {
    const { world, ask, delegate, delegation, heard, works } = await withEve();
    const id = await delegate("How many?");
    await works(1);
    world.fake.latest().turn.limited({ account: "ada", until: untilTime });
    await until(async () => (await heard()).notes.length === 1);
    const run = await ask("POST", "/v1/runs", { agentId: AGENT, task: "Count the files again." });
    await until(async () => (await heard()).notes.length === 2);
    expect(await delegation(id)).toMatchObject({ status: "pending", answer: null });
    const seen = () => ask("GET", `/v1/runs/${run.id}`);
    expect(await seen()).toMatchObject({ status: "queued", result: null });
    const { id: sessionId } = (await world.relay.ask("GET", "/v1/sessions")).body.items[0];
    world.daemon.limits.heard({ provider: "fake", account: "ada", do: "probe", sessionId });
    await until(() => world.fake.sessions[0]?.inputs.length === 2);
    world.fake.sessions[0]?.turn.finish("Nine.");
    await works(2);
    world.fake.latest().turn.finish("Ten files.");
    await until(async () => (await seen()).status === "ended");
    await until(async () => (await heard()).others.length === 2);
    expect((await delegation(id)).answer).toMatchObject({ text: "Nine." });
    expect(await seen()).toMatchObject({ outcome: "ok", result: { text: "Ten files." } });
    const limited = "fake is limited. I go on by myself: it resumes 14:05 UTC.";
    expect(await heard()).toEqual({ notes: [limited, limited], others: ["Nine.", "Ten files."] });
  });

  test("of a delegation whose session its CLI has lost", async () => {
    const { world, delegate, delegation, heard, works } = await withEve();
    const id = await delegate("How many?");
    await works(1);
    world.fake.transcripts.clear();
    await world.crash();
    await works(2);
    await until(async () => (await heard()).notes.length === 1);
    expect((await heard()).notes[0]).toContain("The former session was lost.");
    world.fake.latest().turn.finish("Nine.");
    await until(async () => (await delegation(id)).status === "answered");
    expect((await delegation(id)).answer).toMatchObject({ text: "Nine." });
  });

  test("of a question of a worker: it waits for the words of its turn", async () => {
    const { world, ask, heard, works } = await withEve();
    await world.say("Ask Eve.");
    await works(1);
    const mine = { token: world.fake.latest().task.mcp?.token ?? "" };
    const asked = (await world.relay.ask("POST", "/v1/delegations", { to: "eve", text: "Count." }, mine)).body;
    world.fake.latest().turn.finish("I have asked Eve.");
    await until(() => world.daemon.services.journal.turns.open().length === 0);
    await ask("POST", `/v1/delegations/${asked.id}/progress`, { text: "Which ones?", question: true });
    await until(() => world.fake.latest().isWorking);
    world.fake.latest().turn.limited({ account: "ada", until: untilTime });
    await until(async () => (await heard()).notes.length === 1);
    const inbox = (await world.relay.ask("GET", `/v1/agents/${AGENT}/inbox?after=0`)).body.items;
    const question = inbox.find(({ body }: { body: string }) => body === "Which ones?");
    expect(question).toBeDefined();
    expect(question.settled).toBeUndefined();
  });
});
