import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { runCli, tempFolder } from "../../support/cli-harness.ts";
import { lookInto, openTestDatabase } from "../../support/database.ts";

const folder = tempFolder();
afterEach(folder.remove);

test("a database with more migrations than this program knows is refused, and stays as it was", async () => {
  await openTestDatabase(folder.path).close();
  const file = join(folder.path, "signalbox.db");
  const versionOf = () => lookInto(file, (sqlite) => sqlite.prepare("pragma user_version").values());
  lookInto(file, (sqlite) => sqlite.run("pragma user_version = 9000"));
  const { code, stderr } = await runCli(["serve", "--data", folder.path, "--port", "0"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /is newer than this program: it has had 9000 migrations, and this program knows \d+\. Start the/,
  );
  expect(stderr).toContain("restore a backup with signalbox restore");
  expect(versionOf()).toEqual([[9000]]);
});
