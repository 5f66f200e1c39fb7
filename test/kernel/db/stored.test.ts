import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lookInto, openTestDatabase, schemaOf } from "../../support/database.ts";
import { startRelay, tempFolder } from "../../support/relay.ts";

const FOLDER = join(import.meta.dir, "../../support/databases");
const VERSIONS = readdirSync(FOLDER).map((name) => name.replace(/\.db\.gz$/, ""));

/** A data folder with the database of a released version; see scripts/stored-database. */
function unpack(version: string): { dataDir: string; file: string } {
  const dataDir = tempFolder();
  const file = join(dataDir, "signalbox.db");
  writeFileSync(file, Bun.gunzipSync(readFileSync(join(FOLDER, `${version}.db.gz`))));
  return { dataDir, file };
}

const rowsIn = (file: string, sql: string): Record<string, unknown>[] =>
  lookInto(file, (sqlite) => sqlite.prepare(sql).all() as Record<string, unknown>[]);

const tablesOf = (file: string): string[] =>
  rowsIn(file, "select name from sqlite_schema where type = 'table'")
    .map(({ name }) => String(name))
    .filter((name) => !/^(sqlite_|search)/.test(name));

const countIn = (file: string, table: string): number =>
  Number(rowsIn(file, `select count(*) as n from ${table}`)[0]?.n);

/** Lists of the interface, with the rows that each has to show. */
const LISTS: [string, string][] = [
  ["/v1/agents?limit=500", "agents where deleted_at is null"],
  ["/v1/messages?limit=500", "messages"],
  ["/v1/messages?q=lanterns", "messages where body like '%lanterns%'"],
  ["/v1/messages?state=claimed", "work where state = 'claimed'"],
  ["/v1/messages/1/traces", "traces where message_id = 1"],
  ["/v1/dead-letters", "work where state = 'dead'"],
  ["/v1/tasks", "tasks"],
  ["/v1/integrations", "integrations"],
  ["/v1/delegations", "delegations"],
  ["/v1/pairs", "pairs"],
  ["/v1/schedules", "(select id from schedules union all select id from scheduled_messages)"],
  ["/v1/webhooks", "webhooks"],
  ["/v1/channels", "channels"],
  ["/v1/channels/telegram:main/bindings", "channel_bindings"],
  ["/v1/channels/telegram:main/events", "channel_events"],
  ["/v1/loops", "loops"],
  ["/v1/runs", "runs"],
  ["/v1/announcements", "announcements"],
  ["/v1/orchestrators", "orchestrators"],
  ["/v1/a2a/agents", "a2a_agents"],
  // The new data folder has an operator's token of its own.
  ["/v1/tokens?limit=500", "(select id from tokens union all select 'operator')"],
  ["/v1/activity?limit=500", "activity"],
];

test("G1: a database of each release is kept, with something in each table but two", () => {
  expect(VERSIONS.length).toBeGreaterThan(0);
  for (const version of VERSIONS) {
    const { file } = unpack(version);
    // Lost by retention, and sent to an agent that was there: neither happens at a desk.
    const empty = tablesOf(file).filter((table) => countIn(file, table) === 0);
    expect([version, empty.sort()]).toEqual([version, ["a2a_calls", "losses"]]);
  }
});

describe.each(VERSIONS)("G1: the database of %s", (version) => {
  test("G1: a database of a former release is brought to today's schema, whole, with all its rows", async () => {
    const { dataDir, file } = unpack(version);
    const before = tablesOf(file).map((table) => [table, countIn(file, table)] as const);
    await openTestDatabase(dataDir).close();
    const fresh = openTestDatabase();
    expect(lookInto(file, schemaOf)).toEqual(lookInto(fresh.db.file, schemaOf));
    expect(rowsIn(file, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
    expect(rowsIn(file, "pragma foreign_key_check")).toEqual([]);
    expect(before.map(([table]) => [table, countIn(file, table)] as const)).toEqual(before);
  });

  test("G1: a database of a former release reads through the front door: every list, and the story of every message", async () => {
    const { dataDir, file } = unpack(version);
    const stored = LISTS.map(([path, rows]) => [path, countIn(file, rows)] as const);
    const { ask } = await startRelay({ dataDir });
    for (const [path, count] of stored) {
      const { status, body } = await ask("GET", path);
      expect([path, status, body.items?.length]).toEqual([path, 200, count]);
      expect(count).toBeGreaterThan(0);
    }
    for (const { id, from, body } of (await ask("GET", "/v1/messages?limit=500")).body.items) {
      const story = await ask("GET", `/v1/messages/${id}/explain`);
      expect([id, story.status]).toEqual([id, 200]);
      expect((await ask("GET", `/v1/messages/${id}`)).body).toMatchObject({ from, body });
    }
  });

  test("G1: a database of a former release goes on where it was: cursors, leases, keys and ids count as before", async () => {
    const { dataDir, file } = unpack(version);
    const head = countIn(file, "messages");
    const { ask } = await startRelay({ dataDir });
    const { token } = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "bob" })).body;
    const inbox = (await ask("GET", "/v1/agents/bob/inbox", undefined, { token })).body;
    expect([inbox.cursor, inbox.head]).toEqual([1, head]);
    const held = (await ask("GET", "/v1/agents/bob/claims", undefined, { token })).body.items;
    for (const { message, claim } of held)
      expect((await ask("POST", `/v1/messages/${message.id}/renew`, { token: claim.token }, { token })).status).toBe(
        200,
      );
    expect(held.length).toBeGreaterThan(0);
    const again = { from: "ann", to: "user", body: "Once", idempotencyKey: "once" };
    expect((await ask("POST", "/v1/messages", again)).headers.get("idempotent-replayed")).toBe("true");
    expect((await ask("POST", "/v1/messages", { to: "bob", body: "New" })).body.id).toBe(head + 1);
    expect((await ask("PUT", "/v1/agents/carl", { name: "Carl" })).body.code).toBe("deleted");
  });

  test("G1: a database of a former release says of its messages which integration reported them", () => {
    const { file } = unpack(version);
    const reported = rowsIn(file, "select source, integration from messages where integration is not null");
    expect(reported).toEqual([{ source: "integration", integration: "beacon" }]);
  });
});
