import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { startRelay } from "../../support/relay.ts";
import { recordStatements } from "../../support/statements.ts";

const HOUR = 3_600_000;
/** The begin of the hour in which the clock of tests starts. */
const NOW = Date.parse("2026-03-01T12:00:00Z");
const DAY = Math.floor(NOW / 86_400_000);

describe("large tables", () => {
  test("large tables are never read on the main thread, and the largest groups come first", async () => {
    const recorder = recordStatements();
    const { relay, ask } = await startRelay({ durability: "normal" });
    const numbers = sql`with recursive n(i) as (select 0 union all select i + 1 from n where i < 24999)`;
    await relay.db.write(async (tx) => {
      tx.db.run(sql`${numbers} insert into stats (step, series, "by", at, key, value)
        select ${HOUR}, 'messages', 'agent', ${NOW} - (i % 100) * ${HOUR}, 'agent-' || (i / 100), 1 + (i / 100 = 7) from n`);
      tx.db.run(sql`${numbers} insert into flow (step, at, from_id, target, messages, delegations, last_at)
        select ${HOUR}, ${NOW} - (i % 100) * ${HOUR}, 'a' || (i / 1000), 'b' || (i / 100), 1 + (i / 100 = 7), 0, ${NOW} from n`);
      tx.db.run(sql`${numbers} insert into usage_days ("by", day, key, runs, input_tokens, output_tokens, cache_read_tokens,
          cache_write_tokens, cost_usd)
        select 'thread', ${DAY} - (i % 100), i / 100, 1, 1, 1, 0, 0, 0.5 + (i / 100 = 7) from n`);
      tx.db.run(sql`update stats_marks set position = 0 where name = 'since'`);
    });
    const reads = await recorder.during(async () => {
      const stats = await ask("GET", "/v1/stats?series=messages&by=agent&step=hour&from=2026-02-25T08:00:00Z");
      expect(stats.body.items.slice(0, 2)).toMatchObject([
        { key: "agent-7", total: 200 },
        { key: "agent-0", total: 100 },
      ]);
      expect([stats.body.items.length, stats.body.more]).toEqual([20, true]);
      const flow = await ask("GET", "/v1/flow?from=2026-02-25T08:00:00Z&limit=2");
      expect(flow.body).toMatchObject({
        more: true,
        edges: [{ from: "a0", to: "b7", messages: 200 }, { messages: 100 }],
      });
      const usage = await ask("GET", "/v1/usage?by=thread&from=2025-01-01T00:00:00Z&limit=3");
      expect(usage.body).toMatchObject({ more: true, items: [{ key: "7", runs: 100, costUsd: 150 }, {}, {}] });
    });
    expect(reads.map(({ sql }) => sql).filter((text) => /from "?(stats|flow|usage_days)"?[\s(]/.test(text))).toEqual(
      [],
    );
  });
});
