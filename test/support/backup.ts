import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { type TestRelay, tempFolder } from "./relay.ts";

/** Has the relay make a backup, and puts it into a fresh data folder; answers that. */
export async function restoredCopy({ ask }: Pick<TestRelay, "ask">): Promise<string> {
  const made = await ask("POST", "/v1/backups");
  if (made.status !== 201) throw new Error(`making a backup: ${JSON.stringify(made.body)}`);
  const folder = tempFolder();
  copyFileSync(made.body.file, join(folder, "signalbox.db"));
  return folder;
}
