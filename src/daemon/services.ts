import type { Environment, Provider, SessionEvent } from "../harness/providers/provider.ts";
import type { DaemonConfig, ProviderConfig } from "./config.ts";
import { DaemonError } from "./errors.ts";
import type { Git } from "./git/command.ts";
import type { Journal } from "./journal/journal.ts";
import type { SessionRow } from "./journal/sessions.ts";
import type { TurnRow } from "./journal/turns.ts";
import type { Hub, Link } from "./link.ts";
import type { DaemonTime } from "./time.ts";

/** One line of the daemon's log: a sentence, and facts. Never texts of messages, never secrets. */
export type Log = (sentence: string, facts?: Record<string, unknown>) => void;

/** Asked before a turn begins; resolves when it may. Holds, limits and caps are gates. */
export type Gate = (turn: TurnRow, signal: AbortSignal) => Promise<void>;

/**
 * Whether a turn may not work now. A stop first makes this true, then pauses the turns that run: asked as soon as a turn can be
 * paused, it misses no stop that came between its gate and its beginning.
 */
export type Stop = (turn: TurnRow) => boolean;

/** Gets every event of every session, in order. Must not throw. */
export type Observer = (session: SessionRow, event: SessionEvent) => void;

/** A provider of the configuration with its adapter. */
export interface Runnable {
  config: ProviderConfig;
  provider: Provider;
}

export interface Services {
  readonly config: DaemonConfig;
  readonly journal: Journal;
  readonly link: Link;
  readonly hub: Hub;
  readonly providers: ReadonlyMap<string, Runnable>;
  readonly git: Git;
  readonly time: DaemonTime;
  readonly log: Log;
  readonly gates: Gate[];
  readonly stops: Stop[];
  readonly observers: Observer[];
  /** Environment of the daemon, of which CLIs get the allowed names. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Machine's name, for the homes of CLIs. */
  readonly hostname: string;
  /** Fires when the daemon ends. */
  readonly life: AbortSignal;
}

/** Resolves when a turn may begin. @throws the reason of the daemon's end */
export async function passGates({ gates, life }: Services, turn: TurnRow): Promise<void> {
  for (const gate of gates) await gate(turn, life);
}

const USUAL = ["PATH", "HOME", "LANG", "TERM", "TMPDIR", "USER"];

/** Variables that a provider's CLI gets, by name. */
export function environmentOf({ config, environment }: Services, provider: ProviderConfig): Environment {
  const names = new Set([...USUAL, ...config.envKeys, ...provider.env]);
  const given = [...names].flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(given);
}

export function runnableOf({ providers }: Pick<Services, "providers">, name: string): Runnable {
  const found = providers.get(name);
  if (!found)
    throw new DaemonError(`No provider is called ${name}. Its configuration has ${[...providers.keys()].join(", ")}.`);
  return found;
}

/** Id of a new session or turn. */
export const newSessionId = (): string => `ses_${randomLetters(20)}`;

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
const randomLetters = (count: number): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(count)), (byte) => ALPHABET[byte % ALPHABET.length]).join("");
