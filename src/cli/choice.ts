import { join } from "node:path";
import {
  type FolderServer,
  isForbidden,
  isLoopback,
  isWebAddress,
  runningServer,
  sameServer,
  tokenFileIn,
} from "./data-folder.ts";
import { EXIT, Stop } from "./exit.ts";

/** All sources that may name a relay or a caller. */
export interface Sources {
  flags: { url?: string; token?: string; data?: string; keys?: string };
  /** Content of the file that `--keys` names. */
  keys?: { url: string; token: string };
  environment: { url?: string; token?: string; port?: string; dataDir?: string };
}

/** The chosen relay and token, and the source of each. */
export interface Choice {
  url: string;
  token?: string;
  from: { url: string; token: string };
  /** Data folder of that relay, when it is on this machine. */
  dataDir?: string;
}

const DEFAULT_URL = "http://127.0.0.1:4747";

interface Address {
  url: string;
  from: string;
}

/** A token, and the only address that it is for; without an address, for any. */
interface Pass {
  token: string | undefined;
  from: string;
  url?: string | undefined;
}

/**
 * Chooses by flags, else a file of keys, else the environment, else the data folder of a server on this machine. A token goes only to
 * the address that its own source names, except for `--token`. The folder that the program is called in may name a loopback address
 * alone, and only with a token beside it.
 *
 * @throws Stop when no source names a relay, or one names it wrongly
 */
export function chooseRelay(named: Sources): Choice {
  const { flags, keys, environment } = named;
  const folder = flags.data ?? environment.dataDir ?? "./data";
  const server = trustedServer(folder, flags.data !== undefined);
  const own = environmentAddress(environment);
  const explicit = addressOf(named, own);
  const address = explicit ?? folderAddress(named, folder, server);
  const environments: Pass = { token: environment.token, from: "SIGNALBOX_TOKEN", url: own.url };
  const beside: Pass = { token: server?.token, from: tokenFileIn(folder), url: server?.url };
  const passes: Pass[] = [
    { token: flags.token, from: "--token" },
    { token: keys?.token, from: flags.keys ?? "", url: keys?.url },
    ...(flags.data === undefined && explicit ? [environments, beside] : [beside, environments]),
  ];
  const fitting = passes.find(({ token, url }) => token && (url === undefined || sameServer(url, address.url)));
  if (!fitting && keys) throw new Stop(EXIT.usage, `The token in ${flags.keys} is for ${keys.url}: leave out --url`);
  const isNamed = flags.data !== undefined || environment.dataDir !== undefined;
  return {
    url: address.url,
    token: fitting?.token,
    from: { url: address.from, token: fitting?.from ?? noToken(address.url, environments) },
    dataDir: isNamed || (server && sameServer(server.url, address.url)) ? folder : undefined,
  };
}

/** Address of a flag, of the keys or of the environment. `--data` comes before the environment. */
function addressOf({ flags, keys, environment }: Sources, own: Address): Address | undefined {
  if (flags.url !== undefined) return checked(flags.url, "--url");
  if (keys) return checked(keys.url, flags.keys ?? "");
  if (flags.data !== undefined) return undefined;
  return environment.url || environment.token || flags.token ? own : undefined;
}

/** Address of the environment; without one, that of a server on this machine with the same settings. */
export function environmentAddress({ url, port = "" }: Sources["environment"]): Address {
  if (url !== undefined) return checked(url, "SIGNALBOX_URL");
  if (/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535)
    return { url: `http://127.0.0.1:${port}`, from: "SIGNALBOX_PORT" };
  return { url: DEFAULT_URL, from: "the usual address: SIGNALBOX_URL is not set" };
}

function checked(url: string, from: string): Address {
  if (isWebAddress(url)) return { url, from };
  if (url.includes("@"))
    throw new Stop(EXIT.usage, `${from} has a user or a password in it: give the address alone, as ${DEFAULT_URL}`);
  throw new Stop(EXIT.usage, `${from} says ${url}, which is not an address like ${DEFAULT_URL}`);
}

/** Server of a folder, if the folder is trusted to name it. */
function trustedServer(folder: string, isFlag: boolean): FolderServer | undefined {
  const server = runningServer(folder);
  return server && (isFlag || isLoopback(server.url)) ? server : undefined;
}

function folderAddress({ flags, environment }: Sources, folder: string, server: FolderServer | undefined): Address {
  const from = join(folder, "server.json");
  if (server && (server.token || flags.token)) return { url: server.url, from };
  if (server)
    throw new Stop(
      EXIT.usage,
      `${tokenFileIn(folder)} has no token for ${server.url}: give SIGNALBOX_URL and SIGNALBOX_TOKEN`,
    );
  const other = runningServer(folder);
  if (other)
    throw new Stop(
      EXIT.usage,
      `${from} names ${other.url}, which is not loopback: give --data ${folder}, or SIGNALBOX_URL and SIGNALBOX_TOKEN`,
    );
  if (isForbidden(folder))
    throw new Stop(
      EXIT.usage,
      `this user may not look into ${folder}: call this as the user whose relay it is, or give --url and --token`,
    );
  if (flags.data === undefined && environment.dataDir === undefined)
    throw new Stop(
      EXIT.unreachable,
      "no relay runs with ./data of this folder: start one (signalbox serve), go to the folder of one that runs, or give --data or SIGNALBOX_URL",
    );
  const named = flags.data === undefined ? "SIGNALBOX_DATA_DIR" : "--data";
  throw new Stop(
    EXIT.unreachable,
    `no relay runs with the data in ${folder} (${named}): start one (signalbox serve --data ${folder}), or name the folder of one that runs`,
  );
}

const noToken = (url: string, { token, url: own }: Pass): string =>
  token
    ? `none given for ${url}: SIGNALBOX_TOKEN is for ${own}, as SIGNALBOX_URL says or leaves out`
    : `none given for ${url}: give --token, or SIGNALBOX_URL and SIGNALBOX_TOKEN`;
