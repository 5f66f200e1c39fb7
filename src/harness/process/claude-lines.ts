import { type Block, Line, type Usage } from "../providers/claude/wire.ts";
import type { LineEvent, LineState, RunSink } from "./run-sink.ts";

/** Reports one line of `claude -p --output-format stream-json --verbose`. Unknown ones are passed over. */
export function claudeLine(event: LineEvent, sink: RunSink, state: LineState): void {
  const { data } = Line.safeParse(event);
  if (data?.type === "stream_event") {
    const { text, thinking } = data.event.delta ?? {};
    state.hasDeltas = true;
    if (text) sink.say(text);
    if (thinking) sink.think(thinking);
  } else if (data?.type === "result") {
    state.answer = data.result;
    const { usage, total_cost_usd: costUsd, modelUsage = {} } = data;
    const models = Object.keys(modelUsage);
    if (usage) sink.usage({ ...amounts(usage), costUsd, ...(models.length === 1 && { model: models[0] }) });
  } else if (data?.type === "assistant" || data?.type === "user")
    for (const block of data.message.content) takeBlock(block, sink, state);
}

function takeBlock(block: Block, sink: RunSink, state: LineState): void {
  if ("text" in block && !state.hasDeltas) {
    sink.say(`${state.hasSpoken ? "\n\n" : ""}${block.text}`);
    state.hasSpoken = true;
  }
  if ("thinking" in block && !state.hasDeltas) sink.think(block.thinking);
  if ("input" in block) {
    sink.tool.start(block.name, block.input, block.id);
    state.hasSpoken = false;
  }
  if ("tool_use_id" in block)
    sink.tool.result(block.tool_use_id, { content: block.content }, { isError: block.is_error === true });
}

const amounts = (usage: Usage) => ({
  inputTokens: usage.input_tokens,
  outputTokens: usage.output_tokens,
  cacheReadTokens: usage.cache_read_input_tokens,
  cacheWriteTokens: usage.cache_creation_input_tokens,
});
