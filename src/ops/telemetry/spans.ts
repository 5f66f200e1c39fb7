import { createHash } from "node:crypto";
import type { PartRow, RunRow } from "../../features/runs/row.ts";
import { VERSION } from "../../version.ts";

/** Most spans of tools in one run, and bytes of one text of others. */
export const MAX_TOOLS = 1000;
const TEXT_BYTES = 8 * 1024;
/** The one number that is no integer. */
const COST = "signalbox.usage.cost_usd";
const INTERNAL = 1;
const ERROR = 2;

type Value = string | number | null | undefined;

/** Span of OTLP/HTTP JSON. 64-bit numbers are texts there. */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: object }[];
  status?: { code: number };
}

/**
 * Spans of a run by the GenAI conventions of OpenTelemetry: `invoke_agent` for the run and `execute_tool` for each call of a tool.
 * All runs of a tree are one trace. Their ids are made of the ids here, so a repeat makes the same.
 * @param hasContent with the texts of people and agents
 */
export function createSpans(run: RunRow, { hasContent }: { hasContent: boolean }) {
  const traceId = hash(run.rootRunId, 16);
  const own = hash(run.id, 8);
  const open = new Map<string, { at: number; name: string; input: unknown }>();
  const tools: Span[] = [];

  /** Takes the next part. Calls beyond the limit are left out. */
  function add({ turnId, at, json }: Pick<PartRow, "turnId" | "at" | "json">): void {
    if (!/^{"type":"tool-(input-available|output-)/.test(json) || tools.length >= MAX_TOOLS) return;
    const part = JSON.parse(json);
    const key = `${turnId} ${part.toolCallId}`;
    if (part.type === "tool-input-available") open.set(key, { at, name: String(part.toolName), input: part.input });
    const call = open.get(key);
    if (!call || part.type === "tool-input-available" || part.preliminary) return;
    open.delete(key);
    const isError = part.type === "tool-output-error";
    tools.push({
      ...{ traceId, spanId: hash(key, 8), parentSpanId: own, name: `execute_tool ${call.name}`, kind: INTERNAL },
      ...times(call.at, at),
      attributes: attributes({
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": call.name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": String(part.toolCallId),
        "gen_ai.conversation.id": run.sessionKey,
        ...(isError && { "error.type": "tool" }),
        ...(hasContent && {
          "gen_ai.tool.call.arguments": shown(call.input),
          "gen_ai.tool.call.result": shown(isError ? part.errorText : part.output),
        }),
      }),
      ...(isError && { status: { code: ERROR } }),
    });
  }

  function invocation(): Span {
    return {
      ...{ traceId, spanId: own, name: `invoke_agent ${run.agentId}`, kind: INTERNAL },
      ...(run.parentId !== null && { parentSpanId: hash(run.parentId, 8) }),
      ...times(run.createdAt, run.endedAt ?? run.createdAt),
      attributes: attributes({ ...facts(run), ...(hasContent && !run.opaque && texts(run)) }),
      ...((run.outcome === "error" || run.outcome === "timeout") && { status: { code: ERROR } }),
    };
  }

  return { add, all: (): Span[] => [invocation(), ...tools] };
}

function facts(run: RunRow): Record<string, Value> {
  const models = Object.keys(run.byModel === null ? {} : JSON.parse(run.byModel));
  return {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.id": run.agentId,
    "gen_ai.agent.name": run.agentId,
    "gen_ai.conversation.id": run.sessionKey,
    "gen_ai.request.model": run.model,
    "gen_ai.response.model": models.length === 1 ? models[0] : null,
    "gen_ai.usage.input_tokens": run.inputTokens,
    "gen_ai.usage.output_tokens": run.outputTokens,
    "gen_ai.usage.cache_read.input_tokens": run.cacheReadTokens,
    "gen_ai.usage.cache_creation.input_tokens": run.cacheWriteTokens,
    "error.type": run.errorCode,
    "signalbox.run.id": run.id,
    "signalbox.run.outcome": run.outcome,
    "signalbox.run.cause": run.cause,
    "signalbox.run.turns": run.turns,
    [COST]: run.costUsd,
    "signalbox.message.id": run.messageId,
    "signalbox.delegation.id": run.delegationId,
  };
}

const texts = (run: RunRow): Record<string, Value> => ({
  "gen_ai.input.messages": said("user", run.task),
  "gen_ai.output.messages": run.result === null ? null : said("assistant", run.result),
  "signalbox.run.error": run.error,
});

const said = (role: string, text: string): string =>
  JSON.stringify([{ role, parts: [{ type: "text", content: cut(text) }] }]);

const shown = (value: unknown): string => cut(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

const cut = (text: string): string =>
  Buffer.byteLength(text) <= TEXT_BYTES ? text : `${text.slice(0, TEXT_BYTES / 4).toWellFormed()}…`;

const times = (startMs: number, endMs: number) => ({
  startTimeUnixNano: `${startMs}000000`,
  endTimeUnixNano: `${Math.max(startMs, endMs)}000000`,
});

function attributes(all: Record<string, Value>): Span["attributes"] {
  return Object.entries(all).flatMap(([key, value]): Span["attributes"] => {
    if (value === null || value === undefined) return [];
    if (typeof value === "string") return [{ key, value: { stringValue: value } }];
    return [{ key, value: key === COST ? { doubleValue: value } : { intValue: `${value}` } }];
  });
}

/** Hexadecimal id of this many bytes. */
const hash = (text: string, bytes: number): string =>
  createHash("sha256")
    .update(text)
    .digest("hex")
    .slice(0, 2 * bytes);

/** Body of `POST /v1/traces`. */
export const requestOf = (spans: readonly Span[]): string =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributes({ "service.name": "signalbox", "service.version": VERSION }) },
        scopeSpans: [{ scope: { name: "signalbox", version: VERSION }, spans }],
      },
    ],
  });
