import { describe, expect, test } from "bun:test";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { restoredCopy } from "../../support/backup.ts";
import { lookInto } from "../../support/database.ts";
import { startRelay } from "../../support/relay.ts";
import { startCrew } from "../../support/work.ts";

const GAP = 1_000_000;

describe("a backup", () => {
  test("a backup is a whole copy in the data folder, made by operators alone, while the relay goes on", async () => {
    const crew = await startCrew();
    const id = await crew.open();
    const folder = join(crew.config.dataDir, "backups");
    writeFileSync(folder, "in the way of the folder");
    expect((await crew.ask("GET", "/v1/backups")).body).toEqual({ items: [] });
    rmSync(folder);
    expect(await crew.ask("POST", "/v1/backups", undefined, crew.boss)).toMatchObject({ status: 403 });
    const [made, sent] = await Promise.all([
      crew.ask("POST", "/v1/backups"),
      crew.ask("POST", "/v1/messages", { to: "ann", body: "meanwhile" }, crew.boss),
    ]);
    expect([made.status, sent.status]).toEqual([201, 201]);
    expect(made.body.file).toStartWith(`${crew.config.dataDir}/backups/`);
    expect(readdirSync(dirname(made.body.file))).toHaveLength(1);
    const { file, bytes, createdAt } = made.body;
    expect((await crew.ask("GET", "/v1/backups")).body).toEqual({ items: [{ file, bytes, createdAt }] });
    expect(await crew.ask("GET", "/v1/backups", undefined, crew.boss)).toMatchObject({ status: 403 });
    const { rows, check } = lookInto(made.body.file, (sqlite) => ({
      rows: sqlite.prepare("select id from messages").all() as { id: number }[],
      check: sqlite.prepare("pragma integrity_check").get(),
    }));
    expect(rows.map((row) => row.id)).toContain(id);
    expect(check).toEqual({ integrity_check: "ok" });
  });

  test("a backup restores everything: agents and their tokens, cursors, work and its leases", async () => {
    const crew = await startCrew();
    const { id: read } = (await crew.ask("POST", "/v1/messages", { to: "ann", body: "read" }, crew.boss)).body;
    await crew.ask("POST", "/v1/agents/ann/inbox/ack", { upTo: read }, crew.ann);
    await crew.ask("POST", "/v1/messages", { to: "ann", body: "unread" }, crew.boss);
    await crew.open();
    const held = await crew.take(crew.ben);
    const { ask } = await startRelay({ dataDir: await restoredCopy(crew) });
    const inbox = await ask("GET", "/v1/agents/ann/inbox", undefined, crew.ann);
    expect(inbox.body.items.map((item: { body: string }) => item.body)).toEqual(["unread", "work"]);
    const done = await ask("POST", `/v1/messages/${held.message.id}/complete`, { token: held.claim.token }, crew.ben);
    expect(done.status).toBe(200);
  });

  test("G2: a backup goes on a million ids later: what the original hands out meanwhile is never handed out again", async () => {
    const crew = await startCrew();
    const before = (await crew.ask("POST", "/v1/messages", { to: "ann", body: "before" }, crew.boss)).body.id;
    const dataDir = await restoredCopy(crew);
    const lost = (await crew.ask("POST", "/v1/messages", { to: "ann", body: "lost with the original" }, crew.boss)).body
      .id;
    const restored = await startRelay({ dataDir });
    const after = await restored.ask("POST", "/v1/messages", { to: "ann", body: "after" }, crew.boss);
    expect(after.body.id).toBe(before + GAP + 1);
    // A reader of lost messages reads on from there, and misses nothing that is new.
    const next = await restored.ask("GET", `/v1/agents/ann/inbox?after=${lost}`, undefined, crew.ann);
    expect(next.body.items.map((item: { body: string }) => item.body)).toEqual(["after"]);
    const acked = await restored.ask("POST", "/v1/agents/ann/inbox/ack", { upTo: lost }, crew.ann);
    expect(acked).toMatchObject({ status: 200, body: { cursor: lost } });
  });

  test("G2: a backup of a log in which nothing has been said goes on a million later as well", async () => {
    const crew = await startCrew();
    const dataDir = await restoredCopy(crew);
    const lost = (await crew.ask("POST", "/v1/messages", { to: "ann", body: "lost" }, crew.boss)).body.id;
    const restored = await startRelay({ dataDir });
    const after = await restored.ask("POST", "/v1/messages", { to: "ann", body: "after" }, crew.boss);
    expect(after.body.id).toBeGreaterThan(lost + 1000);
  });

  test("a backup is made one at a time, and a half-made one never looks like one", async () => {
    const crew = await startCrew();
    const made = await Promise.all([crew.ask("POST", "/v1/backups"), crew.ask("POST", "/v1/backups")]);
    expect(made.map((answer) => answer.status).sort()).toEqual([201, 409]);
    const file = made.find((answer) => answer.status === 201)?.body.file;
    expect(readdirSync(dirname(file))).toEqual([basename(file)]);
  });
});
