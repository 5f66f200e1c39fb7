import { randomUUID } from "node:crypto";
import { SessionMissing } from "../../../src/harness/providers/errors.ts";
import type {
  Capabilities,
  ForeignSession,
  LeftProcess,
  OpenTask,
  Provider,
  TurnInput,
} from "../../../src/harness/providers/provider.ts";
import { type FakeSession, openFake } from "./fake-session.ts";
import type { FakeTurn } from "./fake-turn.ts";

export const ALL_ABILITIES: Capabilities = {
  presetId: true,
  resume: true,
  fork: true,
  ephemeralFork: true,
  steer: true,
  receipts: true,
  interrupt: true,
  permissions: true,
  structured: true,
  usage: true,
  limits: true,
  continueTurn: true,
};

/** Plays a turn. It may await whatever the test resolves; a turn that it has not finished goes on. */
export type FakeScript = (turn: FakeTurn) => void | Promise<void>;

/** Says the text back. */
export const echo: FakeScript = (turn) => turn.finish(`Echo: ${turn.text}`);

export interface FakeProvider extends Provider {
  /** Plays turns to come. Without a script they stay open, until the test finishes `session.turn`. */
  script: FakeScript | null;
  /** Called before a session opens: may take its time, or throw what `open` shall throw. */
  opening: ((task: OpenTask) => void | Promise<void>) | null;
  /** Called before a session closes, and may take its time. */
  closing: ((task: OpenTask) => void | Promise<void>) | null;
  readonly sessions: FakeSession[];
  /** Texts of each native session, as its CLI has stored them. A session that is taken out is missing at its resume. */
  readonly transcripts: Map<string, string[]>;
  /** Input of the turn in which each native session died: a resume with `continueTurn` runs it again. */
  readonly interrupted: Map<string, TurnInput>;
  readonly removed: string[];
  foreign: ForeignSession[];
  version: string;
  /** Processes that the next ends cannot end. */
  left: LeftProcess[];
  /** The newest session that has not exited. @throws without one */
  latest(): FakeSession;
}

/**
 * Agent CLI inside the test's process, for tests of the daemon. Nothing in it takes time: each event is told when the test, or the
 * script, makes it happen.
 */
export function createFakeProvider(
  options: { name?: string; kind?: Provider["kind"]; script?: FakeScript | null } & Partial<Capabilities> = {},
): FakeProvider {
  const { name = "fake", kind = "command", script = echo, ...abilities } = options;
  const provider: FakeProvider = {
    name,
    kind,
    capabilities: { ...ALL_ABILITIES, ...abilities },
    script,
    opening: null,
    closing: null,
    sessions: [],
    transcripts: new Map(),
    interrupted: new Map(),
    removed: [],
    foreign: [],
    version: "1.0.0",
    left: [],
    latest() {
      const session = provider.sessions.findLast(({ isRunning }) => isRunning);
      if (!session) throw new Error("no session of the fake provider runs");
      return session;
    },
    probe: async () => ({ version: provider.version, account: "fake@example.org" }),
    async open(task) {
      await provider.opening?.(task);
      task.signal?.throwIfAborted();
      const session = openFake(task, nativeIdFor(provider, task), {
        capabilities: provider.capabilities,
        play: (turn) => provider.script?.(turn),
        store: (nativeId, text) => provider.transcripts.get(nativeId)?.push(text),
        stored: (nativeId) => provider.transcripts.get(nativeId)?.length ?? 0,
        left: () => provider.left,
        closing: () => provider.closing?.(task),
        interrupted: provider.interrupted,
      });
      provider.sessions.push(session);
      return session;
    },
    listForeign: async () => provider.foreign,
    async remove({ nativeId }) {
      provider.transcripts.delete(nativeId);
      provider.removed.push(nativeId);
    },
  };
  return provider;
}

/** Id of the session that begins, with a transcript; a missing one is refused. */
function nativeIdFor({ transcripts, capabilities }: FakeProvider, { origin }: OpenTask): string {
  const before = origin.how === "new" ? [] : transcripts.get(origin.nativeId);
  if (!before) throw new SessionMissing(`No session has the id ${origin.how === "new" ? "" : origin.nativeId}.`);
  if (origin.how === "resume") return origin.nativeId;
  const wished = origin.how === "new" ? origin.nativeId : origin.newId;
  const nativeId = (capabilities.presetId ? wished : undefined) ?? randomUUID();
  const upTo = origin.how === "fork" ? origin.upTo : undefined;
  if (origin.how === "new" || !origin.ephemeral)
    transcripts.set(nativeId, upTo === undefined ? [...before] : before.slice(0, Number(upTo)));
  return nativeId;
}
