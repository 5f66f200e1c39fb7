import { startDaemon, until } from "./daemon.ts";
import type { FakeSession } from "./providers/fake-session.ts";
import type { FakeTurn } from "./providers/fake-turn.ts";

/** Numbers from 0 to 1, the same ones for each seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const MOST_MS = 12;
/** Seconds, by the clock that is moved by hand, in which lifted work has to end. Looks for lost work come later. */
const PATIENCE = 50;

/**
 * Holds and lifts while turns begin, work, end, are stopped and go on, with a relay and CLIs that take their time, answers that get lost, and
 * a daemon that is killed. Each piece of work ends once, soon after the last hold, and nothing works under a hold that was seen to stop it.
 */
export async function startHoldDrill(seed: number) {
  const random = randomOf(seed);
  const upTo = (most: number): number => Math.floor(random() * most);
  const pause = (most = MOST_MS): Promise<void> => Bun.sleep(upTo(most));
  const world = await startDaemon();
  const { fake, relay } = world;
  const { ask } = relay;
  const standing: string[] = [];
  /** Messages of the operator that want an answer, work that has to be done, and commands that spawn. */
  const said: number[] = [];
  const given: number[] = [];
  const spawned: string[] = [];
  const steps: string[] = [];
  let n = 0;

  const isPlaying = (turn: FakeTurn): boolean =>
    fake.sessions.some((one) => one.isRunning && one.isWorking && one.turn === turn);
  fake.script = async (turn) => {
    const text = turn.text;
    await pause(40);
    if (random() < 0.3) turn.say("Working.");
    await pause(40);
    if (isPlaying(turn)) turn.finish(`Done: ${/work \d+/.exec(text)?.[0]}`);
  };
  fake.opening = () => pause();
  fake.closing = () => (random() < 0.3 ? pause(60) : undefined);
  world.lag = async ({ path, isAnswered }) => {
    if (path.endsWith("/stream")) return;
    if (random() < 0.2) await pause();
    if (random() < 0.03) throw new TypeError(isAnswered ? "answer lost" : "request lost");
  };

  const acts: Record<string, () => Promise<unknown>> = {
    say: async () => void said.push(await world.say(`work ${++n}`)),
    give: async () => void given.push(await world.say(`work ${++n}`, { claimable: true })),
    async spawn() {
      const command = { do: "spawn", provider: "fake", prompt: `work ${++n}`, sessionKey: `shelf-${upTo(4)}` };
      const { body } = await ask("POST", "/v1/orchestrators/box/commands", { command });
      spawned.push(body.id);
    },
    async hold() {
      const scope = random() < 0.5 ? "all" : { orchestratorId: "box" };
      const mode = random() < 0.3 ? "kill" : "interrupt";
      standing.push((await ask("POST", "/v1/holds", { scope, mode, reason: "Drill" })).body.id);
    },
    async lift() {
      const [id] = standing.splice(upTo(standing.length), 1);
      if (id === undefined) return;
      await ask("DELETE", `/v1/holds/${id}`);
      if (random() < 0.2) await ask("DELETE", `/v1/holds/${id}`);
    },
    pass: () => world.pass(random() < 0.5 ? 0 : 250),
    pause: () => pause(30),
    crash: () => world.crash(),
  };

  /** Sessions that a hold was seen to stop, and that work. */
  async function working(): Promise<FakeSession[]> {
    const seen = new Set<string>();
    for (const id of standing)
      for (const { sessionId, seen: how } of (await ask("GET", `/v1/holds/${id}`)).body.sessions)
        if (how === "interrupted" || how === "killed") seen.add(sessionId);
    return fake.sessions.filter(({ isWorking, isRunning, task }) => isRunning && isWorking && seen.has(task.sessionId));
  }

  async function open(): Promise<string[]> {
    const answered = new Set((await world.answers()).map(({ replyTo }) => replyTo));
    const runs: { status: string; task: string }[] = (await ask("GET", "/v1/runs?limit=200")).body.items;
    const works = await Promise.all(given.map((id) => ask("GET", `/v1/messages/${id}`)));
    return [
      ...works.filter(({ body }) => body.state !== "done").map(({ body }) => `work ${body.id} ${body.state}`),
      ...said.filter((id) => !answered.has(id)).map((id) => `message ${id}`),
      ...runs.filter(({ status }) => status !== "ended").map(({ task }) => task),
      ...world.daemon.services.journal.turns.open().map(({ id, state }) => `turn ${id} ${state}`),
    ];
  }

  return {
    world,
    steps,
    /** Does something by chance. */
    async round(length: number): Promise<void> {
      const weights = { say: 3, give: 2, spawn: 2, hold: 4, lift: 5, pass: 5, pause: 5, crash: 0.5 };
      const names = Object.entries(weights).flatMap(([name, weight]) => Array(weight * 2).fill(name) as string[]);
      for (let at = 0; at < length; at++) {
        const name = names[upTo(names.length)] ?? "pause";
        steps.push(name);
        await acts[name]?.();
      }
      const early = await working();
      if (early.length > 0) throw new Error(`${early.map(({ task }) => task.sessionId)} work under a hold`);
      while (standing.length > 0) await acts.lift?.();
      await this.end();
    },
    /** Waits until everything has ended. */
    async end(): Promise<void> {
      const commands = spawned.splice(0);
      let left: string[] = [];
      for (let second = 0; second < PATIENCE; second++) {
        await world.pass(second < 30 ? 250 : 1000);
        for (let look = 0; look < 40; look++) {
          left = await open();
          if (left.length === 0) break;
          await Bun.sleep(5);
        }
        if (left.length === 0) break;
      }
      if (left.length > 0) throw new Error(`never ended: ${left.join("; ")}`);
      await until(async () => {
        const all = await Promise.all(commands.map((id) => ask("GET", `/v1/delegations/${id}`)));
        return all.every(({ body }) => body.status !== "pending" && body.status !== "open");
      });
      const lost = world.log.filter((line) => line.includes("nothing worked on it"));
      if (lost.length > 0) throw new Error(lost.join("\n"));
      const replies = (await world.answers()).map(({ replyTo }) => replyTo).filter((id) => id !== null);
      if (new Set(replies).size !== replies.length) throw new Error("a message was answered twice");
    },
  };
}
