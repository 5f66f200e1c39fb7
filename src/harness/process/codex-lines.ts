import { type ExecEvent, execEvents } from "../providers/codex/exec-lines.ts";
import { amountsOf, NO_TOKENS } from "../providers/codex/limits.ts";
import type { LineEvent, LineState, RunSink } from "./run-sink.ts";

/** Reports one line of `codex exec --json`. */
export function codexLine(event: LineEvent, sink: RunSink, state: LineState): void {
  for (const one of execEvents(event)) report(one, sink, state);
}

function report(event: ExecEvent, sink: RunSink, state: LineState): void {
  if (event.type === "said") {
    sink.say(`${state.hasSpoken ? "\n\n" : ""}${event.text}`);
    state.hasSpoken = true;
    state.answer = event.text;
  } else if (event.type === "think") sink.think(event.delta);
  else if (event.type === "status") sink.status(event.text);
  else if (event.type === "tool") reportTool(event, sink, state);
  else if (event.type === "diff") {
    const { path, change, added, removed } = event;
    sink.diff({ path, change, added, removed });
  } else if (event.type === "turn-over") {
    if ("error" in event) sink.status(event.error);
    else sink.usage(amountsOf(event.total, NO_TOKENS));
  }
}

function reportTool(event: Extract<ExecEvent, { type: "tool" }>, { tool }: RunSink, state: LineState): void {
  if (event.phase === "start") {
    state.hasSpoken = false;
    tool.start(event.name, event.args, event.id);
  } else if (event.phase === "result") tool.result(event.id, event.result, { isError: event.isError });
}
