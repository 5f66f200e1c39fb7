import { accessSync, closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** A server that runs on this machine, by its data folder. */
export interface FolderServer {
  /** Address that this machine can reach. */
  url: string;
  pid: number;
  /** Operator's token, when it is in the folder. */
  token?: string;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

export const isLoopback = (url: string): boolean => LOOPBACK.test(new URL(url).hostname);

/** Whether two addresses lead to the same server: loopback has several names. */
export function sameServer(one: string, other: string): boolean {
  const [a, b] = [new URL(one), new URL(other)];
  const pathOf = ({ pathname }: URL) => pathname.replace(/\/+$/, "");
  // A proxy may have another server below each path.
  if (a.protocol !== b.protocol || a.port !== b.port || pathOf(a) !== pathOf(b)) return false;
  return a.hostname === b.hostname || (isLoopback(one) && isLoopback(other));
}

/** An address without query, user and password, which would be shown and stored wherever the address is. */
export function isWebAddress(url: string): boolean {
  const { protocol, username, password, search, hash } = URL.parse(url) ?? { protocol: "" };
  return /^https?:$/.test(protocol) && !(username || password || search || hash);
}

const ServerFile = z.object({
  url: z.string().refine((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? "")),
  pid: z.int().positive(),
});
/** The bounds of a header value. */
const TOKEN = /^[\x21-\x7e]{20,4096}$/;

export const tokenFileIn = (dataDir: string): string => join(dataDir, "operator.token");

/** Server of a data folder, if it runs. Files that a killed server left behind do not count. */
export function runningServer(dataDir: string): FolderServer | undefined {
  const file = ServerFile.safeParse(parseJson(readText(join(dataDir, "server.json"))));
  if (!file.success || !isAlive(file.data.pid)) return undefined;
  const url = new URL(file.data.url);
  if (url.hostname === "0.0.0.0" || url.hostname === "[::]") url.hostname = "127.0.0.1";
  const token = readText(tokenFileIn(dataDir))?.trim();
  return { url: url.origin, pid: file.data.pid, ...(token !== undefined && TOKEN.test(token) && { token }) };
}

/** Whether a folder is there that this user may not look into, as that of a service is. */
export function isForbidden(dataDir: string): boolean {
  try {
    accessSync(dataDir, constants.R_OK | constants.X_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES";
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const MOST_BYTES = 64 * 1024;

/**
 * A small file's text; undefined when it is absent, unreadable or anything else. The folder may be hostile: a link could point to
 * another secret, which would be sent as the token, and a pipe would block.
 */
function readText(file: string): string | undefined {
  try {
    const opened = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(opened);
      return stat.isFile() && stat.size <= MOST_BYTES ? readFileSync(opened, "utf8") : undefined;
    } finally {
      closeSync(opened);
    }
  } catch {
    return undefined;
  }
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
