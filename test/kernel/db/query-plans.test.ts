import { Database as Sqlite } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { HOT, type Hot, seed } from "../../support/hot.ts";
import { planOf, type Ran, recordStatements } from "../../support/statements.ts";

const WALK =
  /^SCAN (messages|entries|e|targets|work|w|m|mb|loops|attempts|workers|memberships|offers|acks|reads|tokens|due|scheduled_messages|instances|groups|agents|losses|channels|channel_\w+|files|file_uses|traces|tasks|task_events|delegations|pairs|integrations|idempotency_keys|runs|run_\w+|announcements|threads|thread_reads)\b/;

describe("hot statements", () => {
  test("hot statements keep to their indexes, with and without statistics, whatever the data", async () => {
    const recorder = recordStatements();
    const world = await seed(recorder);
    const recorded = new Map<Hot, Ran[]>();
    for (const hot of HOT) {
      await hot.before?.(world);
      recorded.set(hot, await recorder.during(() => hot.ask(world)));
    }

    const file = join(world.config.dataDir, "signalbox.db");
    for (const statistics of [undefined, "analyze", "pragma optimize = 0x10002"]) {
      const look = new Sqlite(file, { readwrite: true });
      look.run("pragma busy_timeout = 5000");
      if (statistics) look.run(statistics);
      look.close();
      // Statistics are read when a connection is opened.
      const sqlite = new Sqlite(file, { readwrite: true });
      const faults = HOT.flatMap((hot) => faultsOf(sqlite, hot, recorded.get(hot) ?? []));
      sqlite.close();
      expect({ statistics, faults }).toEqual({ statistics, faults: [] });
    }
  });
});

function faultsOf(sqlite: Sqlite, hot: Hot, ran: Ran[]): string[] {
  const looks = ran.filter(({ sql }) => /^\s*(select|update|delete|with|insert)/i.test(sql));
  const plans = looks.map((one) => ({ sql: one.sql, plan: planOf(sqlite, one) }));
  const lines = plans.flatMap(({ plan }) => plan);
  const missing = hot.uses
    .filter((use) => !lines.some((line) => use.test(line)))
    .map((use) => `${hot.what}: nothing is ${use}`);
  const walking = plans.flatMap(({ sql, plan }) =>
    plan
      .filter((line) => WALK.test(line) && !hot.walks?.test(line))
      .map((line) => `${hot.what}: ${line} (${sql.slice(0, 200)})`),
  );
  return [...missing, ...walking, ...faultsOfBounds(hot, plans)];
}

/** Statements that narrow candidates must start from those, not from an index of its own. */
function faultsOfBounds(hot: Hot, plans: { sql: string; plan: string[] }[]): string[] {
  return plans
    .filter(({ sql }) => /"messages"\."id" in \(select value from json_each/.test(sql))
    .flatMap(({ sql, plan }) =>
      plan
        .filter((line) => /^SEARCH messages/.test(line) && !/rowid=\?|\bid=\?/.test(line))
        .map((line) => `${hot.what}: ${line} (${sql.slice(-300)})`),
    );
}
