import type {
  NativeSession,
  OpenTask,
  Provider,
  SessionEvent,
  TurnInput,
  TurnResult,
} from "../../../src/harness/providers/provider.ts";
import { atEnd } from "../ending.ts";
import { tempFolder } from "../relay.ts";
import { until } from "../until.ts";
import { newSessionId } from "./processes.ts";

export type EventOf<Type extends SessionEvent["type"]> = Extract<SessionEvent, { type: Type }>;

/** A session, and what it told. It is ended with the test. */
export interface HeardSession {
  session: NativeSession;
  task: OpenTask;
  events: SessionEvent[];
  of<Type extends SessionEvent["type"]>(type: Type): EventOf<Type>[];
  /** Waits for that many events of a kind. @returns the last of them */
  saw<Type extends SessionEvent["type"]>(type: Type, count?: number): Promise<EventOf<Type>>;
  send(text: string, more?: Partial<TurnInput>): Promise<string>;
  steer(text: string): Promise<{ id: string; how: string }>;
  /** Waits for the end of that many turns. @returns the newest */
  ended(count?: number): Promise<TurnResult>;
  /** Text of its answers, deltas put together. */
  text(): string;
}

export const openTask = (more: Partial<OpenTask> = {}): OpenTask => ({
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

export const turnInput = (text: string, more: Partial<TurnInput> = {}): TurnInput => ({
  ...{ id: crypto.randomUUID(), text, images: [], provenance: { kind: "human", from: "ann" } },
  ...more,
});

export async function hear(provider: Provider, more: Partial<OpenTask> = {}): Promise<HeardSession> {
  const events: SessionEvent[] = [];
  const task = openTask({ on: (event) => void events.push(event), ...more });
  const session = await provider.open(task);
  atEnd(async () => {
    await session.close({ graceMs: 0 });
  });
  const of = <Type extends SessionEvent["type"]>(type: Type) =>
    events.filter((event): event is EventOf<Type> => event.type === type);
  const saw = async <Type extends SessionEvent["type"]>(type: Type, count = 1): Promise<EventOf<Type>> => {
    await until(() => of(type).length >= count, `${count} ${type} in ${JSON.stringify(events)}`);
    return of(type)[count - 1] as EventOf<Type>;
  };
  return {
    ...{ session, task, events, of, saw },
    async send(text, input = {}) {
      const whole = turnInput(text, input);
      await session.send(whole);
      return whole.id;
    },
    async steer(text) {
      const whole = turnInput(text);
      return { id: whole.id, how: await session.steer(whole) };
    },
    ended: async (count = 1) => (await saw("result", count)).result,
    text: () =>
      events.map((event) => (event.type === "say" ? event.delta : event.type === "said" ? event.text : "")).join(""),
  };
}
