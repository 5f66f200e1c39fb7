import type { NativeSession, OpenTask, SessionEvent } from "../../../src/harness/providers/provider.ts";
import { atEnd } from "../ending.ts";
import { tempFolder } from "../relay.ts";
import { until } from "../until.ts";
import { newSessionId } from "./processes.ts";

export type Event<Type extends SessionEvent["type"]> = Extract<SessionEvent, { type: Type }>;

/** A session, and what it told. It is ended with the test. */
export interface OpenSession {
  session: NativeSession;
  task: OpenTask;
  events: SessionEvent[];
  of<Type extends SessionEvent["type"]>(type: Type): Event<Type>[];
  /** Sends a text, under this id. */
  say(text: string, id?: string): Promise<string>;
  /** Waits for the end of that many turns. @returns the newest */
  ended(count?: number): Promise<Event<"result">["result"]>;
  saw<Type extends SessionEvent["type"]>(type: Type, count?: number): Promise<Event<Type>>;
}

export const taskFor = (more: Partial<OpenTask> = {}): OpenTask => ({
  origin: { how: "new" },
  sessionId: newSessionId(),
  cwd: tempFolder(),
  model: null,
  systemPrompt: null,
  environment: { PATH: process.env.PATH ?? "", HOME: tempFolder() },
  mcp: null,
  tools: { allow: [], deny: [] },
  schema: null,
  unattended: false,
  on: () => undefined,
  ...more,
});

export async function openSession(
  provider: { open(task: OpenTask): Promise<NativeSession> },
  more: Partial<OpenTask> = {},
): Promise<OpenSession> {
  const events: SessionEvent[] = [];
  const task = taskFor({ on: (event) => void events.push(event), ...more });
  const session = await provider.open(task);
  atEnd(async () => {
    await session.close({ graceMs: 0 });
  });
  const of = <Type extends SessionEvent["type"]>(type: Type) =>
    events.filter((event): event is Event<Type> => event.type === type);
  const saw = async <Type extends SessionEvent["type"]>(type: Type, count = 1): Promise<Event<Type>> => {
    await until(() => of(type).length >= count);
    return of(type)[count - 1] as Event<Type>;
  };
  return {
    ...{ session, task, events, of, saw },
    async say(text, id = crypto.randomUUID()) {
      await session.send({ id, text, images: [], provenance: { kind: "human", from: "ana" } });
      return id;
    },
    ended: async (count = 1) => (await saw("result", count)).result,
  };
}
