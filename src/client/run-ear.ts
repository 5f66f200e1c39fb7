import { RunControl } from "../protocol/run-control.ts";
import { linkedAbort } from "./abort.ts";
import type { Caller } from "./caller.ts";
import { follow } from "./follow.ts";
import { inboxVerbs } from "./inbox.ts";

/** Control message about a run, and its id. */
export interface Heard {
  messageId: number;
  control: RunControl;
}

export interface Listener {
  heard(heard: Heard): void;
  /** The stream is open, again or for the first time. */
  up?(): void;
  /** The agent's inbox can no longer be followed: superseded, revoked. */
  failed(cause: unknown): void;
}

/** Ears of a client: one stream for each agent, shared by all runs of it, open while somebody listens. */
export type Ears = ReturnType<typeof createEars>;

export function createEars(caller: Caller) {
  const ears = new Map<string, Ear>();
  return {
    /**
     * Hears the control messages about an agent's runs that come from now on. Acknowledges nothing.
     * @returns a function that ends it @throws as `inbox.read` does
     */
    async listen(agentId: string, listener: Listener): Promise<() => void> {
      const ear = ears.get(agentId) ?? openEar(caller, agentId, () => ears.delete(agentId));
      ears.set(agentId, ear);
      ear.listeners.add(listener);
      const leave = () => {
        ear.listeners.delete(listener);
        if (ear.listeners.size === 0) ear.close();
      };
      await ear.ready.catch((error) => {
        leave();
        throw error;
      });
      return leave;
    },
  };
}

type Ear = ReturnType<typeof openEar>;

function openEar(caller: Caller, agentId: string, onEnd: () => void) {
  const life = linkedAbort();
  const listeners = new Set<Listener>();
  const close = () => {
    onEnd();
    life.abort(undefined);
  };
  // The unread messages before the first run are not read again: nothing in them is about a run that begins now.
  const ready = inboxVerbs(caller).read({ limit: 1 }, { agentId, signal: life.signal });

  async function listen(): Promise<void> {
    const { head } = await ready;
    const onEvent = ({ type }: { type: string }) => {
      if (type === "hello") for (const { up } of [...listeners]) up?.();
    };
    for await (const entry of follow(caller, { agentId, after: head, signal: life.signal, onEvent })) {
      if (entry.kind !== "control") continue;
      const { data } = RunControl.safeParse(entry.payload);
      if (!data) continue;
      const control = { ...data.run, files: (data.files ?? []).map(({ fileId }) => fileId) };
      for (const { heard } of [...listeners]) heard({ messageId: entry.id, control });
    }
  }

  listen().catch((cause) => {
    onEnd();
    for (const { failed } of [...listeners]) failed(cause);
  });
  return { listeners, ready, close };
}
