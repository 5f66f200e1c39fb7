import type { Platform } from "../../src/adapters/contract.ts";
import type { Timing } from "../../src/client/timing.ts";

/** A chat platform on loopback, as people in it see it and as its faults need it. One file for each platform. */
export interface FakeChat {
  readonly name: string;
  /** The adapter's side, as a process of its own. */
  platform(timing: Timing, process?: FakeProcess): Platform;
  /** Whether it can be asked what was posted. */
  readonly canTell: boolean;
  /** The longest text of one message. */
  readonly limit: number;
  /** The environment of a process of its own. */
  readonly environment: Record<string, string>;

  /** Somebody writes; the answer is the external id. */
  say(saying: Saying): string;
  /** Somebody presses a button of a posted message. */
  press(externalId: string, buttonId: string): void;
  /** Sends each event once more, as a platform does that missed the acknowledgement. */
  repeat(): void;
  /** Posts of the bot, in order. */
  readonly posted: Posted[];
  /** How many events were not acknowledged. */
  waiting(): number;
  /** How many read now, and how many did at most at any time. */
  readonly readers: { now: number; most: number };

  /** The next posts fail so. */
  fail(...how: Fault[]): void;
  /** Nothing comes in any more, in whatever way this platform has of that, until `hear`. */
  deafen(): void;
  hear(): void;
  /** Cuts every reader off. */
  cut(): void;
  /** From now on the account is refused. */
  revoke(): void;
  close(): Promise<void>;
}

/** A process that can die: what it asks for then is never answered. */
export interface FakeProcess {
  /** Part of the paths that it asks for. */
  readonly id: string;
  /** Before and after something is done that others can see; never resolves once the process is dead. */
  step(name: string): Promise<void>;
}

/** Finds whose request it is: `/p7/rest`. */
export function createDesk() {
  const processes = new Map<string, FakeProcess>();
  return {
    enter(process: FakeProcess): string {
      processes.set(process.id, process);
      return `/${process.id}`;
    },
    who(path: string): { process: FakeProcess | undefined; rest: string } {
      const [, id = "", rest = ""] = /^\/(p\d+)(\/.*)$/.exec(path) ?? [];
      return id ? { process: processes.get(id), rest } : { process: undefined, rest: path };
    },
  };
}

/** `limited`: 429 for a second. `refused`: never. `done-500`: posted, and the answer is 500. `done-cut`: posted, and the connection dies. `cut`: the connection dies before. */
export type Fault = "limited" | "refused" | "done-500" | "done-cut" | "cut";

export interface Saying {
  conversation: string;
  thread?: string;
  text?: string;
  file?: { name: string; type: string; bytes: Uint8Array };
  replyTo?: string;
}

export interface Posted {
  externalId: string;
  conversation: string;
  thread: string | undefined;
  text: string | undefined;
  replyTo: string | undefined;
  file: { name: string; bytes: Uint8Array } | undefined;
  buttons: { text: string; id?: string; url?: string }[][];
}

/** The beginning of an answer: the connection was closed in the middle of it. */
export const brokenAnswer = (): Response =>
  new Response('{"ok":tr', { headers: { "content-type": "application/json" } });
