import { randomUUID } from "node:crypto";
import { HarnessError } from "../../errors.ts";
import type { Line } from "./wire.ts";

export type ControlAnswer = Record<string, unknown>;

/** Requests of ours to the CLI, and their answers. */
export function createControls(write: (line: object) => Promise<void>) {
  const open = new Map<string, PromiseWithResolvers<ControlAnswer>>();
  return {
    async ask(request: object): Promise<ControlAnswer> {
      const id = randomUUID();
      const answer = Promise.withResolvers<ControlAnswer>();
      open.set(id, answer);
      try {
        await write({ type: "control_request", request_id: id, request });
        return await answer.promise;
      } finally {
        open.delete(id);
      }
    },
    take({ response }: Line & { type: "control_response" }): void {
      const { request_id: id, subtype, error } = response;
      if (subtype === "success") open.get(id)?.resolve(response.response ?? {});
      else open.get(id)?.reject(new HarnessError("problem", `Claude Code refused: ${error ?? subtype}`));
    },
    /** Rejects what is open. */
    end(reason: string): void {
      for (const answer of open.values()) answer.reject(new HarnessError("problem", reason));
    },
  };
}
