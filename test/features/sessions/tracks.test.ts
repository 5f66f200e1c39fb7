import { Database as Sqlite } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { MAX_CHANGES } from "../../../src/protocol/states.ts";
import { startFleet } from "../../support/sessions.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

async function withTracks(overrides: Parameters<typeof startFleet>[0] = {}) {
  const fleet = await startFleet(overrides);
  const { ask, put, box } = fleet;
  const begin = Date.parse((await ask("GET", "/v1/orchestrators/box")).body.lastSeenAt);
  /** States of each session, with the minutes since the fleet began. */
  const tracks = async (query = "", by?: { token: string }): Promise<Record<string, string>> => {
    const { status, body } = await ask("GET", `/v1/sessions/states${query}`, undefined, by);
    if (status !== 200) throw new Error(JSON.stringify(body));
    const textOf = ({ state, since }: { state: string; since: string }) =>
      `${state} ${(Date.parse(since) - begin) / MINUTE_MS}`;
    return Object.fromEntries(
      body.items.map((one: { id: string; states: { state: string; since: string }[] }) => [
        one.id,
        one.states.map(textOf).join(", "),
      ]),
    );
  };
  /** Lets minutes pass, in which the orchestrator is heard of. */
  const work = async (minutes: number) => {
    for (let n = 0; n < minutes; n++) {
      await fleet.pass(MINUTE_MS);
      await ask("POST", "/v1/orchestrators/box/heartbeat", {}, box);
    }
  };
  const say = (id: string, state: string, more: object = {}) => put(box, id, { state, ...more });
  return { ...fleet, begin, tracks, work, say };
}

describe("states of sessions over time", () => {
  test("each change is kept with its time, a report of the same state is none, and the ended stay for the window", async () => {
    const { say, work, tracks, see, begin } = await withTracks();
    const time = (minutes: number) => new Date(begin + minutes * MINUTE_MS).toISOString();
    await say("ses_a", "working");
    await say("ses_b", "idle");
    await work(4);
    await say("ses_a", "working", { lastEventAt: time(0), queued: 3 });
    await say("ses_a", "asking");
    await work(2);
    await say("ses_a", "working");
    await say("ses_b", "dead");
    expect(await tracks()).toEqual({ ses_a: "working 0, asking 4, working 6", ses_b: "idle 0, dead 6" });
    expect((await see("ses_a")).since).toBe(time(6));
    expect(Object.keys(await tracks("?live=true"))).toEqual(["ses_a"]);
    expect(Object.keys(await tracks("?live=false"))).toEqual(["ses_b"]);
    await work(2);
    // A state that begins before the window goes on into it; one that lasts over all of it keeps its time.
    expect(await tracks(`?from=${time(5)}`)).toEqual({ ses_a: "asking 5, working 6", ses_b: "idle 5, dead 6" });
    expect(await tracks(`?from=${time(7)}`)).toEqual({ ses_a: "working 6" });
    // A session that begins later was not there.
    await say("ses_c", "idle");
    expect(await tracks(`?from=${time(2)}&to=${time(5)}`)).toEqual({ ses_a: "working 2, asking 4", ses_b: "idle 2" });
  });

  test("a session is away while its machine is not heard of, over a restart too", async () => {
    const { say, pass, tracks, restart, see, ask, box, clock, config, orchestrator } = await withTracks();
    await say("ses_a", "working");
    await pass(2 * MINUTE_MS);
    expect(await tracks()).toEqual({ ses_a: "working 0, away 2" });
    const { since } = await see("ses_a");
    await restart();
    expect((await see("ses_a")).since).toBe(since);
    await pass(MINUTE_MS);
    await ask("POST", "/v1/orchestrators/box/heartbeat", {}, box);
    expect(await tracks()).toEqual({ ses_a: "working 0, away 2, working 3" });
    // The report of a change, as its first word, comes in the commit that says that the machine is here.
    await pass(2 * MINUTE_MS);
    expect((await say("ses_a", "asking")).state).toBe("asking");
    expect(await tracks()).toEqual({ ses_a: "working 0, away 2, working 3, away 5, working 5, asking 5" });
    expect(await see("ses_a")).toMatchObject({ state: "asking", since: new Date(clock.now()).toISOString() });
    await pass(2 * MINUTE_MS);
    // A registration is one return, whichever part of it is first.
    const file = new Sqlite(join(config.dataDir, "signalbox.db"), { readonly: true });
    const changes = () => file.query("select state from session_states order by id").values().flat();
    const before = changes();
    await orchestrator("box");
    expect(changes()).toEqual([...before, "asking"]);
    file.close();
  });

  test("an idle session waits while its run waits for a run that it asked for", async () => {
    const { say, work, tracks, see, ask, one, two } = await withTracks();
    await say("ses_a", "working");
    const { id } = (await ask("POST", "/v1/runs", { agentId: one.id, task: "build", sessionId: "ses_a" }, one)).body;
    const { token } = (await ask("POST", `/v1/runs/${id}/start`, {}, one)).body;
    const turn = { token: one.token, headers: { "signalbox-run": token } };
    const child = (await ask("POST", "/v1/runs", { agentId: two.id, task: "test" }, turn)).body;
    await ask("POST", `/v1/runs/${id}/finish`, { outcome: "ok", result: "begun" }, turn);
    await work(1);
    await say("ses_a", "idle");
    await work(2);
    expect(await see("ses_a")).toMatchObject({ state: "idle", waits: 1 });
    await ask("POST", `/v1/runs/${child.id}/abort`, {});
    await work(2);
    expect(await see("ses_a")).toMatchObject({ state: "idle", waits: 0 });
    expect(await tracks()).toEqual({ ses_a: "working 0, waiting 1, idle 3" });
  });

  test("changes are kept for a day, and of a session that changes all the time the newest", async () => {
    const { say, pass, clock, config, tracks } = await withTracks();
    await say("ses_calm", "idle");
    for (let n = 0; n < MAX_CHANGES + 10; n++) {
      await say("ses_busy", n % 2 ? "idle" : "working");
      clock.advance(1000);
    }
    const long = await tracks("?from=2000-01-01T00:00:00Z");
    expect(long.ses_busy?.split(", ")).toHaveLength(MAX_CHANGES);
    // The clock is wrong for a moment.
    clock.jump(2 * DAY_MS);
    await say("ses_calm", "working");
    clock.jump(-2 * DAY_MS);
    for (let hours = 0; hours < 25; hours++) await pass(60 * MINUTE_MS);
    const file = new Sqlite(join(config.dataDir, "signalbox.db"), { readonly: true });
    expect(file.query("select state from session_states").values()).toEqual([["away"], ["away"]]);
    expect(await tracks("?from=2000-01-01T00:00:00Z")).toMatchObject({
      ses_calm: expect.stringMatching(/away [\d.]+$/),
    });
    file.close();
  });

  test("G10: people read every track, an orchestrator and an agent their own; a page and a time are checked", async () => {
    const { say, tracks, ask, box, one, two } = await withTracks();
    await say("ses_a", "idle", { project: "p" });
    await say("ses_b", "idle", { agentId: "box-two" });
    expect(Object.keys(await tracks("?project=p"))).toEqual(["ses_a"]);
    expect(Object.keys(await tracks("", box))).toEqual(["ses_b", "ses_a"]);
    expect(Object.keys(await tracks("", two))).toEqual(["ses_b"]);
    const refused = async (query: string, by?: { token: string }) =>
      (await ask("GET", `/v1/sessions/states${query}`, undefined, by)).body.detail;
    expect(await refused("?agent=box-two", one)).toBe("This token sees the sessions of box-one alone.");
    expect(await refused("?from=2100-01-01T00:00:00Z")).toBe("from: has to be in the past");
    expect(await refused("?to=2000-01-01T00:00:00Z")).toBe("to: has to be after from, and within a day");
    const first = (await ask("GET", "/v1/sessions/states?limit=1")).body;
    expect([first.items[0].id, first.nextPage]).toEqual(["ses_b", "ses_b"]);
    expect(Object.keys(await tracks(`?page=${first.nextPage}`))).toEqual(["ses_a"]);
  });
});
