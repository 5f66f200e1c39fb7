import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HarnessError } from "../../../src/harness/errors.ts";
import { SessionMissing } from "../../../src/harness/providers/errors.ts";
import type { Environment, OpenTask, Provider } from "../../../src/harness/providers/provider.ts";
import { atEnd } from "../ending.ts";
import { tempFolder } from "../relay.ts";
import { inTime, until } from "../until.ts";
import { markedFromOutside } from "./processes.ts";
import { type HeardSession, hear } from "./session.ts";

/** Lines of a prompt that the agent behind a provider plays, one after the other. */
export interface Words {
  /** Says a text. The last one is the answer. */
  say(text: string): string;
  /** Runs a shell command, without asking. */
  run(command: string): string;
  /** Runs a shell command, after it has asked for permission. */
  ask(command: string): string;
  /** Says yes when an earlier prompt of the session held the word, else no. */
  recall(word: string): string;
  /** Answers by the schema. */
  give(value: object): string;
  /** Meets a failure of its provider. */
  fail: string;
  /** Meets a limit of its provider. */
  limit: string;
}

export interface Subject {
  provider: Provider;
  /** Whole environment of its sessions, with a home that is kept for the test. */
  environment: Environment;
  words: Words;
  /** Rules by which `run` needs no permission. */
  allow: readonly string[];
  /** Whether the CLI has stored an input, where it takes its time for that. */
  hasStored?(heard: HeardSession, inputId: string): boolean;
}

export const LINES: Words = {
  say: (text) => `say ${text}`,
  run: (command) => `run ${command}`,
  ask: (command) => `ask ${command}`,
  recall: (word) => `recall ${word}`,
  give: (value) => `give ${JSON.stringify(value)}`,
  fail: "fail",
  limit: "limit",
};

/** Tool that ends when a file is there. */
function gate(words: Words) {
  const file = join(tempFolder(), "gate");
  const open = () => writeFileSync(file, "");
  // A test that fails leaves no tool behind that waits.
  atEnd(async () => open());
  return { line: words.run(`while [ ! -e ${file} ]; do sleep 0.02; done`), open };
}

/** Command line of a process; nothing once it has ended. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

const lines = (...all: string[]): string => all.join("\n");
const resume = (nativeId: string, continueTurn = false): OpenTask["origin"] => ({
  how: "resume",
  nativeId,
  continueTurn,
});

/**
 * Contract of providers, for one of them. Rules on abilities that it does not have are left out.
 * @param make called in each test: a fresh home, with nothing in it
 */
export function providerContract(name: string, capabilities: Provider["capabilities"], make: () => Promise<Subject>) {
  const can = (...needed: (keyof Provider["capabilities"])[]) => test.if(needed.every((one) => capabilities[one]));

  async function start(more: Partial<OpenTask> = {}): Promise<Subject & { heard: HeardSession }> {
    const subject = await make();
    return { ...subject, heard: await open(subject, more) };
  }
  const open = ({ provider, environment, allow }: Subject, more: Partial<OpenTask> = {}) =>
    hear(provider, { environment, tools: { allow, deny: [] }, ...more });
  /** The same place again: sessions belong to a folder. */
  const again = ({ task }: HeardSession, origin: OpenTask["origin"]) => ({ origin, cwd: task.cwd });

  async function nativeIdOf({ session, saw }: HeardSession): Promise<string> {
    await saw("native");
    return session.nativeId ?? "";
  }

  test(`${name}: a probe says its version`, async () => {
    const { provider } = await make();
    expect((await provider.probe()).version).toMatch(/^\d+\.\d+/);
  });

  test(`${name}: a turn tells its beginning, its words, its costs and its end, in this order`, async () => {
    const { heard, words } = await start();
    const id = await heard.send(words.say("hello there"));
    const result = await heard.ended();
    expect(result).toMatchObject({ outcome: "ok", errorCode: null, error: null, text: "hello there" });
    expect(result).toMatchObject({ inputIds: [id], moreFollow: false });
    expect(heard.text()).toBe("hello there");
    await until(() => heard.of("state").at(-1)?.state === "idle");
    expect(heard.of("turn-started")).toMatchObject([{ inputIds: [id] }]);
    expect(heard.of("native")).toEqual([{ type: "native", nativeId: heard.session.nativeId ?? "" }]);
    const types = heard.events.map(({ type }) => type);
    expect(types.indexOf("turn-started")).toBeLessThan(types.indexOf("result"));
    expect(types.lastIndexOf("say")).toBeLessThan(types.indexOf("result"));
    expect(types.indexOf("native")).toBeLessThan(types.indexOf("turn-started"));
    if (capabilities.usage) expect(heard.of("usage").length).toBeGreaterThan(0);
  });

  can("presetId")(`${name}: a new session has the id that was chosen for it`, async () => {
    const nativeId = crypto.randomUUID();
    const { heard, words } = await start({ origin: { how: "new", nativeId } });
    await heard.send(words.say("hi"));
    await heard.ended();
    expect(heard.session.nativeId).toBe(nativeId);
  });

  can("receipts")(`${name}: an input is told as queued, then as started`, async () => {
    const { heard, words } = await start();
    const id = await heard.send(words.say("hi"));
    await heard.ended();
    const states = heard.of("input").filter(({ inputIds }) => inputIds.includes(id));
    expect(states.map(({ state }) => state)).toEqual(["queued", "started"]);
  });

  test(`${name}: inputs that come during a turn are answered each, in their order`, async () => {
    const { heard, words } = await start();
    const door = gate(words);
    const first = await heard.send(lines(door.line, words.say("one")));
    await heard.saw("turn-started");
    const second = await heard.send(words.say("two"));
    const third = await heard.send(words.say("three"));
    door.open();
    await until(() => heard.of("result").some(({ result }) => result.inputIds.includes(third)));
    const results = heard.of("result").map(({ result }) => result);
    expect(results.flatMap(({ inputIds }) => inputIds)).toEqual([first, second, third]);
    // A CLI may answer those that waited together.
    expect(results.at(-1)).toMatchObject({ text: "three", moreFollow: false });
    expect(results[0]).toMatchObject({ text: "one" });
  });

  can("usage")(`${name}: usage is told as differences`, async () => {
    const { heard, words } = await start();
    for (const count of [1, 2, 3]) {
      await heard.send(words.say("hi"));
      await heard.ended(count);
    }
    const amounts = heard.of("usage").map(({ usage }) => usage.outputTokens ?? 0);
    expect(new Set(amounts.slice(-2)).size).toBe(1);
    expect(amounts[0]).toBeGreaterThan(0);
  });

  can("steer")(`${name}: text is steered into a running turn, and refused without one`, async () => {
    const { heard, words } = await start();
    expect((await heard.steer(words.say("nothing runs"))).how).toBe("refused");
    const door = gate(words);
    const first = await heard.send(lines(door.line, words.say("one")));
    await heard.saw("tool");
    const steered = await heard.steer(words.say("two"));
    expect(steered.how).toBe("steered");
    door.open();
    const result = await heard.ended();
    expect(result.inputIds).toEqual([first, steered.id]);
    if (capabilities.receipts)
      expect(heard.of("input")).toContainEqual({ type: "input", inputIds: [steered.id], state: "started" });
  });

  can("interrupt")(`${name}: an interrupt ends the turn and all that is queued, and the session goes on`, async () => {
    const { heard, words } = await start();
    const door = gate(words);
    const first = await heard.send(lines(door.line, words.say("never")));
    await heard.saw("tool");
    const second = await heard.send(words.say("neither"));
    if (capabilities.receipts) await until(() => heard.of("input").some(({ inputIds }) => inputIds.includes(second)));
    expect(await heard.session.interrupt()).toEqual({ cancelled: [second] });
    const result = await heard.ended();
    expect(result).toMatchObject({ outcome: "aborted", errorCode: null, inputIds: [first] });
    door.open();
    await heard.send(words.say("after"));
    expect(await heard.ended(2)).toMatchObject({ outcome: "ok", text: "after" });
  });

  can("permissions")(
    `${name}: a permission is asked for with what will run, and carried out once allowed`,
    async () => {
      const { heard, words } = await start({ tools: { allow: [], deny: [] } });
      const file = join(heard.task.cwd, "made");
      await heard.send(lines(words.ask(`touch ${file}`), words.say("done")));
      const { request } = await heard.saw("ask");
      expect(request.subject).toMatchObject({ type: "command", line: `touch ${file}` });
      expect(request.exact).toContain(`touch ${file}`);
      expect(request.oneTap).toBe(true);
      await until(() => heard.of("state").at(-1)?.state === "asking");
      expect(existsSync(file)).toBe(false);
      const allow = { decision: "allow", scope: "once", text: null } as const;
      expect(await heard.session.answer("another", allow)).toBe(false);
      expect(await heard.session.answer(request.requestId, allow)).toBe(true);
      expect(await heard.session.answer(request.requestId, allow)).toBe(false);
      expect(await heard.ended()).toMatchObject({ outcome: "ok", text: "done" });
      expect(existsSync(file)).toBe(true);
      expect(heard.of("ask-withdrawn")).toEqual([]);
    },
  );

  can("permissions")(`${name}: a permission that is denied runs nothing`, async () => {
    const { heard, words } = await start({ tools: { allow: [], deny: [] } });
    const file = join(heard.task.cwd, "made");
    await heard.send(lines(words.ask(`touch ${file}`), words.say("done")));
    const { request } = await heard.saw("ask");
    expect(await heard.session.answer(request.requestId, { decision: "deny", scope: "once", text: "Not now." })).toBe(
      true,
    );
    await heard.ended();
    expect(existsSync(file)).toBe(false);
  });

  can("permissions", "interrupt")(`${name}: a permission is withdrawn by an interrupt`, async () => {
    const { heard, words } = await start({ tools: { allow: [], deny: [] } });
    await heard.send(lines(words.ask("touch made"), words.say("done")));
    const { request } = await heard.saw("ask");
    await heard.session.interrupt();
    expect(await heard.saw("ask-withdrawn")).toEqual({ type: "ask-withdrawn", requestId: request.requestId });
    expect(await heard.ended()).toMatchObject({ outcome: "aborted" });
    const allow = { decision: "allow", scope: "once", text: null } as const;
    expect(await heard.session.answer(request.requestId, allow)).toBe(false);
  });

  can("permissions")(`${name}: a session that nobody attends refuses permissions at once`, async () => {
    const { heard, words } = await start({ tools: { allow: [], deny: [] }, unattended: true });
    await heard.send(lines(words.ask("touch made"), words.say("done")));
    await heard.ended();
    expect(heard.of("ask")).toEqual([]);
    expect(existsSync(join(heard.task.cwd, "made"))).toBe(false);
  });

  can("resume")(`${name}: a session is resumed with its memory, under its id`, async () => {
    const { heard, words, ...subject } = await start();
    await heard.send(lines(words.say("the word is heron")));
    await heard.ended();
    const nativeId = await nativeIdOf(heard);
    await heard.session.close();
    const second = await open({ words, ...subject }, again(heard, resume(nativeId)));
    await second.send(words.recall("heron"));
    expect(await second.ended()).toMatchObject({ text: "yes" });
    expect(second.session.nativeId).toBe(nativeId);
  });

  can("resume")(`${name}: a session that is not there is said to be missing`, async () => {
    const subject = await make();
    const lost = open(subject, { origin: resume(crypto.randomUUID()) });
    expect(await lost.catch((error) => error)).toBeInstanceOf(SessionMissing);
  });

  can("fork")(`${name}: a fork has the memory and an id of its own, and leaves the original as it was`, async () => {
    const { heard, words, ...subject } = await start();
    await heard.send(words.say("the word is heron"));
    await heard.ended();
    const nativeId = await nativeIdOf(heard);
    await heard.session.close();
    const fork = await open({ words, ...subject }, again(heard, { how: "fork", nativeId, ephemeral: false }));
    await fork.send(lines(words.recall("heron")));
    expect(await fork.ended()).toMatchObject({ text: "yes" });
    await fork.send(words.say("now it is otter"));
    await fork.ended(2);
    expect(await nativeIdOf(fork)).not.toBe(nativeId);
    await fork.session.close();
    const original = await open({ words, ...subject }, again(heard, resume(nativeId)));
    await original.send(words.recall("otter"));
    expect(await original.ended()).toMatchObject({ text: "no" });
  });

  can("fork")(
    `${name}: a fork up to the end of a turn has nothing of later ones, where the CLI says that end`,
    async () => {
      const { heard, words, ...subject } = await start();
      await heard.send(words.say("the word is heron"));
      const { mark: upTo } = await heard.ended();
      await heard.send(words.say("now it is otter"));
      await heard.ended(2);
      const nativeId = await nativeIdOf(heard);
      await heard.session.close();
      if (upTo === undefined) return;
      const copy = await open({ words, ...subject }, again(heard, { how: "fork", nativeId, ephemeral: false, upTo }));
      await copy.send(words.recall("heron"));
      expect(await copy.ended()).toMatchObject({ text: "yes" });
      await copy.send(words.recall("otter"));
      expect(await copy.ended(2)).toMatchObject({ text: "no" });
      await copy.session.close();
      const wrong = { how: "fork", nativeId, ephemeral: false, upTo: crypto.randomUUID() } as const;
      const refused = open({ words, ...subject }, again(heard, wrong));
      expect(await refused.catch((error) => error)).toBeInstanceOf(HarnessError);
    },
  );

  can("ephemeralFork")(`${name}: a fork for a look leaves nothing to resume`, async () => {
    const { heard, words, ...subject } = await start();
    await heard.send(words.say("the word is heron"));
    await heard.ended();
    const nativeId = await nativeIdOf(heard);
    await heard.session.close();
    const peek = await open({ words, ...subject }, again(heard, { how: "fork", nativeId, ephemeral: true }));
    await peek.send(words.recall("heron"));
    expect(await peek.ended()).toMatchObject({ text: "yes" });
    const peekId = await nativeIdOf(peek);
    await peek.session.close();
    const lost = open({ words, ...subject }, again(heard, resume(peekId)));
    expect(await lost.catch((error) => error)).toBeInstanceOf(SessionMissing);
  });

  can("structured")(`${name}: an answer by a schema is told apart, and a missing one is text`, async () => {
    const schema = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
    const { heard, words } = await start({ schema });
    await heard.send(words.give({ n: 3 }));
    expect((await heard.ended()).structured).toEqual({ n: 3 });
    await heard.send(words.say("three"));
    expect(await heard.ended(2)).toMatchObject({ outcome: "ok", text: "three", structured: undefined });
  });

  test(`${name}: a failure of the provider ends the turn as its error, and the session goes on`, async () => {
    const { heard, words } = await start();
    const id = await heard.send(words.fail);
    const result = await heard.ended();
    expect(result).toMatchObject({ outcome: "error", errorCode: "provider", inputIds: [id] });
    expect(result.error).not.toBe("");
    await heard.send(words.say("better"));
    expect(await heard.ended(2)).toMatchObject({ outcome: "ok", text: "better" });
  });

  can("limits")(`${name}: a limit is told, and ends its turn as limited`, async () => {
    const { heard, words } = await start();
    await heard.send(words.limit);
    expect(await heard.ended()).toMatchObject({ outcome: "error", errorCode: "limited" });
    expect(heard.of("limit").at(-1)?.limit.state).toBe("rejected");
  });

  test(`${name}: a process that is killed in its turn is seen to exit, and takes nothing more`, async () => {
    const { heard, words } = await start();
    const door = gate(words);
    await heard.send(lines(door.line, words.say("never")));
    await heard.saw("tool");
    process.kill(heard.session.pid, "SIGKILL");
    expect(await inTime(heard.session.exited, "the exit")).toMatchObject({ signal: "SIGKILL", left: [] });
    expect(markedFromOutside(heard.task.sessionId)).toEqual([]);
    expect(heard.of("result")).toEqual([]);
    for (const call of [heard.send("more"), heard.session.interrupt(), heard.steer("more")])
      expect(await call.catch((error) => error)).toBeInstanceOf(HarnessError);
  });

  can("continueTurn")(`${name}: a turn that was interrupted by a death runs again, under its own id`, async () => {
    const { heard, words, ...subject } = await start();
    const door = gate(words);
    const id = await heard.send(lines(door.line, words.say("at last")));
    await heard.saw("tool");
    await until(() => subject.hasStored?.(heard, id) ?? true);
    process.kill(heard.session.pid, "SIGKILL");
    await heard.session.exited;
    door.open();
    const nativeId = heard.session.nativeId ?? "";
    const second = await open({ words, ...subject }, again(heard, resume(nativeId, true)));
    expect(await second.ended()).toMatchObject({ outcome: "ok", text: "at last", inputIds: [id] });
  });

  test(`${name}: G13: a close leaves no process, counted from outside, also not one in a session of its own`, async () => {
    const { heard, words } = await start();
    const folder = heard.task.cwd;
    const door = gate(words);
    await heard.send(
      lines(words.run(`cd ${folder}; setsid sleep 300 > log 2>&1 & echo $! > ${folder}/pid`), door.line),
    );
    await until(() => existsSync(join(folder, "pid")) && readFileSync(join(folder, "pid"), "utf8") !== "");
    const { sessionId } = heard.task;
    await until(() => markedFromOutside(sessionId).length > 1);
    expect(await heard.session.close({ graceMs: 200 })).toMatchObject({ left: [] });
    expect(markedFromOutside(sessionId)).toEqual([]);
  });

  test(`${name}: text that looks like a command or an option is text`, async () => {
    const { heard, words } = await start();
    const texts = ["/clear", "-p --help", "!ls", "@/etc/passwd"];
    for (const [index, text] of texts.entries()) {
      await heard.send(lines(text, words.say(`plain ${index}`)));
      expect(await heard.ended(index + 1)).toMatchObject({ outcome: "ok", text: `plain ${index}` });
    }
  });

  test(`${name}: a token of the relay is on no command line, nor is a text`, async () => {
    const mcp = { url: "http://127.0.0.1:9/mcp", token: "sbx_a_very_secret_token" };
    const { heard, words } = await start({ mcp, systemPrompt: "secret instructions" });
    const door = gate(words);
    await heard.send(lines(door.line, words.say("secret text")));
    await heard.saw("tool");
    const commandLines = markedFromOutside(heard.task.sessionId).map(commandLineOf);
    expect(commandLines.length).toBeGreaterThan(0);
    expect(commandLines.join("\n")).not.toMatch(/very_secret|secret text/);
    door.open();
    await heard.ended();
  });

  test(`${name}: a session in a folder that is not there says so`, async () => {
    const subject = await make();
    const lost = open(subject, { cwd: "/nowhere/at/all" });
    expect(await lost.catch((error) => error)).toBeInstanceOf(HarnessError);
  });
}
