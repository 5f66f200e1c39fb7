import { z } from "zod";
import type { LineEvent, LineState, RunSink } from "./run-sink.ts";

// Lines of `claude -p --output-format stream-json --verbose`, as of 2.1.197. Unknown ones are passed over.

const Block = z.union([
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("thinking"), thinking: z.string() }),
  z.object({ type: z.literal("tool_use"), id: z.string(), name: z.string(), input: z.unknown().optional() }),
  z.object({
    type: z.literal("tool_result"),
    tool_use_id: z.string(),
    content: z.unknown().optional(),
    is_error: z.boolean().nullish(),
  }),
  z.object({ type: z.string() }),
]);
type Block = z.infer<typeof Block>;

const count = z.number().min(0).catch(0);
const Usage = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
});

const Line = z.union([
  z.object({ type: z.enum(["assistant", "user"]), message: z.object({ content: z.array(Block) }) }),
  z.object({
    type: z.literal("stream_event"),
    event: z.object({ delta: z.object({ text: z.string().optional(), thinking: z.string().optional() }) }),
  }),
  z.object({
    type: z.literal("result"),
    result: z.string().optional(),
    usage: Usage.optional(),
    total_cost_usd: count,
    modelUsage: z.record(z.string(), z.unknown()).optional(),
  }),
]);

/** Reports one line of Claude Code. */
export function claudeLine(event: LineEvent, sink: RunSink, state: LineState): void {
  const { data } = Line.safeParse(event);
  if (data?.type === "stream_event") {
    const { text, thinking } = data.event.delta;
    state.hasDeltas = true;
    if (text) sink.say(text);
    if (thinking) sink.think(thinking);
  } else if (data?.type === "result") {
    state.answer = data.result;
    const { usage, total_cost_usd: costUsd, modelUsage = {} } = data;
    const models = Object.keys(modelUsage);
    if (usage) sink.usage({ ...amounts(usage), costUsd, ...(models.length === 1 && { model: models[0] }) });
  } else if (data) for (const block of data.message.content) takeBlock(block, sink, state);
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

const amounts = (usage: z.infer<typeof Usage>) => ({
  inputTokens: usage.input_tokens,
  outputTokens: usage.output_tokens,
  cacheReadTokens: usage.cache_read_input_tokens,
  cacheWriteTokens: usage.cache_creation_input_tokens,
});
