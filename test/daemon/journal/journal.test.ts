import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openJournal } from "../../../src/daemon/journal/journal.ts";
import { AGENT, startDaemon, until } from "../../support/daemon.ts";
import { echo } from "../../support/providers/fake.ts";
import { tempFolder } from "../../support/relay.ts";

const DAY = 86_400_000;
const fileIn = (folder: string): string => join(folder, "journal.db");

describe("the daemon's journal", () => {
  test("the daemon's journal forgets what ended 30 days ago, at the start and once a day, and keeps what waits", async () => {
    const world = await startDaemon({ provider: { script: echo } });
    const { journal } = world.daemon.services;
    const done = await world.say("one");
    await until(() => journal.letters.get(done, AGENT)?.state === "done");
    journal.write(() => {
      journal.commands.add("dlg_done", 1, { command: { do: "resume", holdId: "none" } });
      journal.commands.mark("dlg_done", "answered", { text: "Done." });
      journal.commands.add("dlg_open", 2, { command: { do: "resume", holdId: "none" } });
      journal.approvals.save({
        ...{ id: "apr_done", sessionId: "ses_a", turnId: "", requestId: "1", hash: "h", exact: "{}" },
        ...{ state: "closed", answer: null },
      });
    });
    await world.pass(DAY);
    await until(() => journal.letters.get(done, AGENT) !== undefined);
    await world.pass(31 * DAY);
    await until(() => journal.letters.get(done, AGENT) === undefined);
    await until(() => journal.commands.get("dlg_done") === undefined);
    expect(journal.approvals.of("apr_done")).toEqual([]);
    expect(journal.commands.get("dlg_open")).toBeDefined();
  });

  test("sessions beside and of threads end when nobody goes on with them for 30 days, or 500 newer ones are idle", async () => {
    const world = await startDaemon({ provider: { script: echo } });
    const { journal } = world.daemon.services;
    const eve = await world.relay.agent("eve");
    const spawn = { do: "spawn", provider: "fake", prompt: "Count.", background: true };
    await world.relay.ask("POST", "/v1/orchestrators/box/commands", { command: spawn });
    await world.relay.ask("POST", "/v1/messages", { to: AGENT, body: "Hello." }, eve);
    await world.say("Hello.");
    const live = async () => (await world.relay.ask("GET", "/v1/sessions?live=true")).body.items;
    await until(async () => (await live()).length === 3 && world.daemon.turns.all().length === 0);
    await world.pass(31 * 60_000);
    await until(() => world.daemon.live.ids().length === 0);
    const beside = journal.sessions.live().find(({ lane }) => lane === "background");
    const thread = journal.sessions.live().find(({ sessionKey }) => sessionKey.startsWith("thread:"));
    if (!beside || !thread) throw new Error("the sessions are missing");
    journal.write(() => {
      // Newer ones, and a look that a crash cut off.
      for (let at = 0; at < 499; at++)
        journal.sessions.save({ ...beside, id: `ses_c${at}`, nativeId: null, lastTurnAt: beside.lastTurnAt + 1 + at });
      journal.sessions.save({ ...thread, lastTurnAt: thread.lastTurnAt + 1000 });
      journal.sessions.save({ ...beside, id: "ses_peek", lane: "peek", nativeId: null, forkOf: beside.nativeId });
    });
    await world.pass(DAY);
    await until(() => journal.sessions.get("ses_peek")?.state === "dead");
    await until(async () => (await live()).length === 2);
    expect((await world.relay.ask("GET", `/v1/sessions/${beside.id}`)).body).toMatchObject({
      ...{ state: "dead", reason: "It was not gone on with." },
    });
    journal.write(() => {
      for (let at = 0; at < 499; at++) journal.sessions.change(`ses_c${at}`, { state: "dead", endedAt: 0 });
    });
    await world.pass(30 * DAY);
    await until(async () => (await live()).length === 1);
    expect(await live()).toMatchObject([{ place: "user", state: "idle" }]);
  });

  test("the daemon's journal of the first version gets the members of this one", () => {
    const path = fileIn(tempFolder());
    const old = new Database(path, { create: true });
    old.exec(`create table commands (delegationId text primary key, messageId integer not null, payload text not null,
      state text not null, result text) without rowid;
      create table approvals (id text primary key, sessionId text not null, turnId text not null, requestId text not null,
      hash text not null, exact text not null, state text not null, answer text) without rowid;
      insert into approvals values ('apr_old', 'ses_a', 't', '1', 'h', '{}', 'asked', null);
      insert into commands values ('dlg_old', 1, '{"command":{"do":"resume","holdId":"h"}}', 'answered', null);`);
    old.close();
    for (const _ of [1, 2]) {
      const journal = openJournal(path, 1);
      expect(journal.commands.get("dlg_old")).toMatchObject({ state: "answered" });
      expect(journal.approvals.of("apr_old")).toMatchObject([{ state: "asked", requestId: "1" }]);
      expect(journal.commands.add(`dlg_${_}`, 2, { command: { do: "resume", holdId: "h" } })).toBe(true);
      journal.close();
    }
  });

  test("nobody but its owner reads any file of a journal, in a folder that others read", () => {
    const folder = tempFolder();
    chmodSync(folder, 0o755);
    const path = join(folder, "j.db");
    writeFileSync(path, "", { mode: 0o644 });
    const journal = openJournal(path, 1);
    journal.write(() => journal.setFact("token", "secret"));
    const files = readdirSync(folder);
    expect(files).toContain("j.db-wal");
    expect(files.filter((name) => (statSync(join(folder, name)).mode & 0o077) !== 0)).toEqual([]);
    journal.close();
  });

  test("the daemon's journal of a newer version is refused, and left as it is", () => {
    const path = fileIn(tempFolder());
    openJournal(path, 1).close();
    const newer = new Database(path);
    newer.exec("pragma user_version = 999");
    newer.close();
    expect(() => openJournal(path, 1)).toThrow("is of a newer version of Signalbox");
    const after = new Database(path);
    expect(after.query("pragma user_version").get()).toEqual({ user_version: 999 });
    after.close();
  });

  test.each([
    ["no database at all", () => Buffer.from("hello, this is a text file of some length ".repeat(200))],
    [
      "torn in the middle",
      (whole: Buffer) => {
        whole.fill(0xff, 4096);
        return whole;
      },
    ],
  ])("the daemon's journal that is %s is refused with what to do, and left as it is", (_, tear) => {
    const path = fileIn(tempFolder());
    openJournal(path, 1).close();
    const torn = tear(readFileSync(path));
    writeFileSync(path, torn);
    expect(() => openJournal(path, 1)).toThrow("is damaged. Move it away");
    expect(readFileSync(path).equals(torn)).toBe(true);
  });
});
