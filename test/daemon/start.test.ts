import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runDaemon } from "../../src/daemon/main.ts";
import { tempFolder } from "../support/relay.ts";
import { until } from "../support/until.ts";

test("a daemon that cannot reach its relay says so once, and stops when it is asked to", async () => {
  const folder = tempFolder();
  const configPath = join(folder, "config.json");
  const config = {
    ...{ id: "box", relay: "http://127.0.0.1:1", workspace: join(folder, "work"), journal: join(folder, "j.db") },
    providers: [{ name: "own", kind: "command", command: process.execPath }],
  };
  writeFileSync(configPath, JSON.stringify(config));
  const log: string[] = [];
  const stop = new AbortController();
  const runs = runDaemon({
    ...{ configPath, environment: { SIGNALBOX_TOKEN: "sb_none" }, bridge: [], stop: stop.signal },
    log: (sentence) => void log.push(sentence),
  });
  await until(() => log.length > 0, "the first sentence");
  stop.abort();
  await runs;
  expect(log).toEqual([
    expect.stringMatching(
      /^The relay is away: http:\/\/127\.0\.0\.1:1 does not answer: .*\. The daemon tries again until it is back\.$/,
    ),
    "Stopping: the start is not over",
  ]);
});
