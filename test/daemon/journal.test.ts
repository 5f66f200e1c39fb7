import { expect, test } from "bun:test";
import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openJournal } from "../../src/daemon/journal/journal.ts";
import { tempFolder } from "../support/relay.ts";

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
