import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { HarnessError } from "./errors.ts";
import { writePrivately } from "./private-file.ts";
import { systemReason } from "./system-errors.ts";

/** Access of an agent's harness to the relay, in a file that its owner alone can read. */
export const Keys = z.strictObject({
  url: z.string(),
  agentId: z.string(),
  token: z.string(),
  /** Id for an operator to revoke the token by. */
  tokenId: z.string(),
  /** Folder that they connect, or `user` for everything of the person. */
  place: z.string().optional(),
  /** A person gave the token to `connect`, which therefore does not revoke it. */
  given: z.literal(true).optional(),
});
export type Keys = z.infer<typeof Keys>;

/** Folder of all keys, below this program's folder. */
export const keysFolder = (folder: string): string => join(folder, "agents");

/** File of an agent's keys for a harness, below this program's folder. */
export const keysFile = (folder: string, harness: string, agentId: string): string =>
  join(keysFolder(folder), `${harness}.${encodeURIComponent(agentId)}.json`);

/** @throws HarnessError when the file is missing or holds something else */
export function readKeys(file: string): Keys {
  try {
    return Keys.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw new HarnessError(
      "usage",
      `${file} holds no keys (${systemReason(error) ?? "it is not as signalbox connect wrote it"}): run signalbox connect again`,
    );
  }
}

/** Keys in a file; `undefined` when it is missing or holds something else. */
export function findKeys(file: string): Keys | undefined {
  try {
    return readKeys(file);
  } catch {
    return undefined;
  }
}

export const writeKeys = (file: string, keys: Keys): void => writePrivately(file, `${JSON.stringify(keys, null, 2)}\n`);

export const removeKeys = (file: string): void => rmSync(file, { force: true });
