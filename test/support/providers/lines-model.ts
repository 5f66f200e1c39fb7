import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atEnd } from "../ending.ts";
import { scriptOf } from "./script.ts";

/** Part of a conversation with the OpenAI Responses API. */
interface Part {
  type?: string;
  role?: string;
  content?: { text?: string }[] | string;
}

const textOf = ({ content }: Part): string =>
  typeof content === "string" ? content : (content ?? []).map(({ text }) => text ?? "").join("");

/**
 * A stand-in for the OpenAI Responses API on loopback whose model plays the lines of its inputs: `run COMMAND` and `ask COMMAND` call
 * Codex's tool for commands, one after the other; then the last of `say TEXT`, `recall WORD` and `give JSON` is its answer. `fail` and
 * `limit` are failures of HTTP. @returns its address
 */
export function linesModel(): string {
  let n = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (!new URL(request.url).pathname.endsWith("/responses")) return new Response("{}", { status: 404 });
      const { input } = (await request.json()) as { input: Part[] };
      const item = answerTo(input, ++n);
      if (item instanceof Response) return item;
      const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };
      const details = { input_tokens_details: null, output_tokens_details: null };
      const events = [
        { type: "response.created", response: { id: `resp_${n}` } },
        { type: "response.output_item.done", item },
        { type: "response.completed", response: { id: `resp_${n}`, usage: { ...usage, ...details } } },
      ];
      const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
  });
  atEnd(async () => server.stop(true));
  return `http://127.0.0.1:${server.port}/v1`;
}

/** Fills a home for Codex with a model at that address. The variable SCRIPTED_LOGIN is its login. */
export function codexHome(home: string, model: string): void {
  mkdirSync(join(home, ".codex"));
  const config = `model = "scripted"
model_provider = "scripted"

[model_providers.scripted]
name = "scripted"
base_url = "${model}"
wire_api = "responses"
env_key = "SCRIPTED_LOGIN"
request_max_retries = 0
stream_max_retries = 0
`;
  writeFileSync(join(home, ".codex/config.toml"), config);
}

function answerTo(input: Part[], n: number): object | Response {
  const users = input.filter(({ role }) => role === "user").map(textOf);
  const since = input.slice(input.findLastIndex(({ role }) => role === "assistant") + 1);
  const lines = since.filter(({ role }) => role === "user").flatMap((part) => scriptOf(textOf(part)));
  const newest = scriptOf(users.at(-1) ?? "");
  if (newest.includes("fail")) return Response.json({ error: { message: "it broke" } }, { status: 500 });
  if (newest.includes("limit")) return limited();
  const calls = lines.filter((line) => /^(run|ask) /.test(line));
  const next = calls[since.filter(({ type }) => type === "function_call_output").length];
  if (next === undefined) {
    const text = spoken(lines, users.slice(0, -1));
    return { type: "message", role: "assistant", id: `msg_${n}`, content: [{ type: "output_text", text }] };
  }
  const escalated = { sandbox_permissions: "require_escalated", justification: "it is needed" };
  const args = { cmd: next.slice(4), yield_time_ms: 30_000, ...(next.startsWith("ask") && escalated) };
  return {
    type: "function_call",
    id: `fc_${n}`,
    call_id: `call_${n}`,
    name: "exec_command",
    arguments: JSON.stringify(args),
  };
}

function spoken(lines: string[], earlier: string[]): string {
  const [, word = "", text = ""] =
    /^(\w+) (.*)$/s.exec(lines.findLast((line) => /^(say|recall|give) /.test(line)) ?? "") ?? [];
  return word === "recall" ? (earlier.some((one) => one.includes(text)) ? "yes" : "no") : text;
}

function limited(): Response {
  const headers = {
    "x-codex-primary-used-percent": "100",
    "x-codex-primary-window-minutes": "300",
    "x-codex-primary-reset-at": "4000000000",
  };
  const error = { type: "usage_limit_reached", message: "limit", plan_type: "pro", resets_at: 4_000_000_000 };
  return Response.json({ error }, { status: 429, headers });
}
