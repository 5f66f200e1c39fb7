import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { HarnessError } from "./errors.ts";
import { writePrivately } from "./private-file.ts";
import { systemReason } from "./system-errors.ts";

/** What an agent's harness needs to speak to its relay. It is kept where its owner alone can read it. */
export const Keys = z.strictObject({
  url: z.string(),
  agentId: z.string(),
  token: z.string(),
  /** By which an operator revokes the token. */
  tokenId: z.string(),
  /** The folder that is connected by them, or `user` for all of a person's. */
  place: z.string().optional(),
  /** The token was given to `connect`, which does not end it. */
  given: z.literal(true).optional(),
});
export type Keys = z.infer<typeof Keys>;

/** The folder of all keys, below the folder of this program. */
export const keysFolder = (folder: string): string => join(folder, "agents");

/** Where the keys of an agent in a harness are kept, below the folder of this program. */
export const keysFile = (folder: string, harness: string, agentId: string): string =>
  join(keysFolder(folder), `${harness}.${encodeURIComponent(agentId)}.json`);

/** @throws HarnessError when it is not there or something else. */
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

/** The keys, if there are any that can be read. */
export function findKeys(file: string): Keys | undefined {
  try {
    return readKeys(file);
  } catch {
    return undefined;
  }
}

export const writeKeys = (file: string, keys: Keys): void => writePrivately(file, `${JSON.stringify(keys, null, 2)}\n`);

export const removeKeys = (file: string): void => rmSync(file, { force: true });
