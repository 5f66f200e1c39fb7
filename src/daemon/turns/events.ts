import type { RunHandle } from "../../client/run-handle.ts";
import type { SessionEvent } from "../../harness/providers/provider.ts";

/** Hands the events of a session to the run of its turn. `messagesOf` names the messages of an input. */
export function reportEvent(handle: RunHandle, event: SessionEvent, messagesOf: (inputId: string) => number[]): void {
  if (event.type === "say") handle.say(event.delta);
  else if (event.type === "said") handle.event("assistant", { text: event.text });
  else if (event.type === "think") handle.think(event.delta);
  else if (event.type === "tool") reportTool(handle, event);
  else if (event.type === "diff") reportDiff(handle, event);
  else if (event.type === "status") handle.status(event.text);
  else if (event.type === "compaction") handle.event("compaction", { phase: event.phase });
  else if (event.type === "usage") handle.usage(event.usage);
  else if (event.type === "input") {
    const ids = event.inputIds.flatMap(messagesOf);
    if (ids.length > 0) handle.input(ids, event.state);
  } else if (event.type === "retry")
    handle.status(
      `The provider did not answer (${event.error}). Try ${event.attempt + 1} in ${Math.round(event.inMs / 1000)} s.`,
    );
  else if (event.type === "transcript-torn") handle.status(`The CLI could not store its transcript: ${event.reason}`);
}

function reportTool(handle: RunHandle, event: SessionEvent & { type: "tool" }): void {
  if (event.phase === "start") handle.tool.start(event.name, event.args, event.id);
  else if (event.phase === "update") handle.tool.update(event.id, event.result);
  else handle.tool.result(event.id, event.result, { isError: event.isError });
}

function reportDiff(handle: RunHandle, { path, change, added, removed, patch }: SessionEvent & { type: "diff" }): void {
  handle.diff({ path, change, added, removed, ...(patch !== undefined && { patch }) });
}
