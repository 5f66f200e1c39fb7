import type { ScratchRelay } from "../scratch-relay.ts";

export interface Answered<T> {
  status: number;
  body: T;
}

/** A member of the crew and the token it speaks with. */
export interface Hand {
  id: string;
  token: string;
}

/** The relay under the drill, asked until it answers. */
export interface Drilled {
  readonly relay: ScratchRelay;
  /** One request as the caller `token` (the operator, when left out), repeated after network failures and 5xx. */
  ask<T>(
    method: string,
    path: string,
    body?: unknown,
    token?: string,
    headers?: Record<string, string>,
  ): Promise<Answered<T>>;
  /** Ends requests that are still without an answer. */
  giveUp(): void;
}

const PAUSE_MS = 20;

export function createDrilled(relay: ScratchRelay): Drilled {
  let isOver = false;
  return {
    relay,
    async ask<T>(method: string, path: string, body?: unknown, token = relay.token(), more = {}): Promise<Answered<T>> {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", ...more };
      const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
      while (!isOver) {
        try {
          const response = await fetch(`${relay.url()}${path}`, init);
          const text = await response.text();
          if (response.status < 500) return { status: response.status, body: JSON.parse(text || "null") };
        } catch {
          // The relay is down, or died before the whole answer was here.
        }
        await Bun.sleep(PAUSE_MS);
      }
      throw new Error(`the drill is over and ${method} ${path} was never answered`);
    },
    giveUp: () => {
      isOver = true;
    },
  };
}
