import { atEnd } from "./ending.ts";

/** Answer of a model: text, or one call of a tool. */
type Turn = { text: string } | { tool: string; input: object };
/** Refusal of its API. */
type Refusal = { status: number; error: string; headers?: Record<string, string> };

/** One answer of the script, made from the request as it came. It may take its time. */
export type Step = (request: string) => Turn | Refusal | Promise<Turn>;

export interface ScriptedModel {
  url: string;
  /** The requests that the script answered, whole. */
  requests: string[];
}

/**
 * A stand-in for the Anthropic Messages API on loopback. Requests without tools (titles and such) are no part of the script.
 * @param script a list, one for each request; or one for all
 */
export function scriptedAnthropic(script: readonly Step[] | Step): ScriptedModel {
  return serve(
    script,
    "/v1/messages",
    ({ model, tools }) => Boolean(model) && Array.isArray(tools) && tools.length > 0,
    {
      events(turn, n) {
        const block =
          "tool" in turn
            ? { type: "tool_use", id: `toolu_${n}`, name: turn.tool, input: {} }
            : { type: "text", text: "" };
        const delta =
          "tool" in turn
            ? { type: "input_json_delta", partial_json: JSON.stringify(turn.input) }
            : { type: "text_delta", text: turn.text };
        const usage = { input_tokens: 10, output_tokens: 5 };
        const message = { id: `msg_${n}`, type: "message", role: "assistant", model: "scripted", content: [], usage };
        return [
          { type: "message_start", message: { ...message, stop_reason: null, stop_sequence: null } },
          { type: "content_block_start", index: 0, content_block: block },
          { type: "content_block_delta", index: 0, delta },
          { type: "content_block_stop", index: 0 },
          {
            type: "message_delta",
            delta: { stop_reason: "tool" in turn ? "tool_use" : "end_turn", stop_sequence: null },
            usage: { output_tokens: 5 },
          },
          { type: "message_stop" },
        ];
      },
    },
  );
}

/** A stand-in for the OpenAI Responses API. Tools of an MCP server are in the namespace `mcp__<server>`. */
export function scriptedOpenAi(script: readonly Step[], namespace: string): ScriptedModel {
  return serve(script, "/v1/responses", () => true, {
    events(turn, n) {
      const item =
        "tool" in turn
          ? {
              ...{ type: "function_call", id: `fc_${n}`, call_id: `call_${n}`, name: turn.tool, namespace },
              arguments: JSON.stringify(turn.input),
            }
          : {
              ...{ type: "message", role: "assistant", id: `msg_${n}` },
              content: [{ type: "output_text", text: turn.text }],
            };
      const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };
      const details = { input_tokens_details: null, output_tokens_details: null };
      return [
        { type: "response.created", response: { id: `resp_${n}` } },
        { type: "response.output_item.done", item },
        { type: "response.completed", response: { id: `resp_${n}`, usage: { ...usage, ...details } } },
      ];
    },
  });
}

interface Dialect {
  events(turn: Turn, n: number): { type: string }[];
}

type Body = { model?: string; tools?: unknown };

function serve(
  script: readonly Step[] | Step,
  path: string,
  isScripted: (body: Body) => boolean,
  dialect: Dialect,
): ScriptedModel {
  const requests: string[] = [];
  let n = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname.endsWith("/count_tokens")) return Response.json({ input_tokens: 10 });
      if (request.method !== "POST" || !pathname.endsWith(path)) return new Response("{}", { status: 404 });
      const text = await request.text();
      let turn: Turn | Refusal = { text: "ok" };
      if (isScripted(JSON.parse(text) as Body)) {
        requests.push(text);
        const step = typeof script === "function" ? script : script[requests.length - 1];
        turn = (await step?.(text)) ?? { text: "There is nothing more in the script." };
      }
      if ("status" in turn) {
        const { status, error, headers } = turn;
        return Response.json(
          { type: "error", error: { type: error, message: error } },
          { status, ...(headers && { headers }) },
        );
      }
      const events = dialect
        .events(turn, ++n)
        .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      return new Response(events.join(""), { headers: { "content-type": "text/event-stream" } });
    },
  });
  atEnd(async () => server.stop(true));
  return { url: `http://127.0.0.1:${server.port}`, requests };
}
