import { z } from "zod";
import { canonical } from "../../../protocol/canonical.ts";
import { type Ask, formAsk } from "../ask-table.ts";
import type { PermissionAnswer, PermissionRequest } from "../provider.ts";
import { acceptance, createRound, questionsOf, titleOf } from "../questions.ts";
import { editOf, spelledOut } from "../subjects.ts";
import { diffIn, ToolCall } from "./updates.ts";

const text = z.string();
const PermissionAsk = z.object({
  sessionId: text,
  toolCall: ToolCall,
  options: z.array(z.object({ optionId: text, name: text.catch(""), kind: text })),
});
type PermissionAsk = z.infer<typeof PermissionAsk>;

const FormAsk = z.object({
  mode: text.catch("form"),
  message: text,
  requestedSchema: z.unknown().optional(),
  url: text.optional(),
  elicitationId: text.optional(),
});

interface AskTask {
  requestId: string;
  params: unknown;
  agent: string;
  cwd: string;
  toolOf(id: string): ToolCall | undefined;
}

/** Answers that close a question without an answer of a person: the turn was stopped. */
export const CANCELLED = { outcome: { outcome: "cancelled" } };

/** Question of an agent by the method of its request; undefined for other requests. */
export function readAsk(method: string, task: AskTask): (Ask & { elicitationId?: string | undefined }) | undefined {
  if (method === "session/request_permission") {
    const { data } = PermissionAsk.safeParse(task.params);
    return data && permissionAsk(task, data);
  }
  const { data } = FormAsk.safeParse(task.params);
  if (method !== "elicitation/create" || !data) return undefined;
  return { ...elicitationAsk(task, data), elicitationId: data.elicitationId };
}

function permissionAsk({ requestId, agent, cwd, toolOf }: AskTask, { toolCall, options }: PermissionAsk): Ask {
  const call = merged(toolOf(toolCall.toolCallId), toolCall);
  const option = (kind: string) => options.find((one) => one.kind === kind)?.optionId;
  const selected = (optionId: string | undefined) =>
    optionId === undefined ? CANCELLED : { outcome: { outcome: "selected", optionId } };
  const { subject, isExact } = subjectOf(call, agent, cwd);
  const request: PermissionRequest = {
    ...{ requestId, subject, title: titleOf(call.title || call.name || "Use a tool") },
    exact: canonical({
      kind: call.kind,
      name: call.name,
      input: call.rawInput,
      content: call.content,
      title: call.title,
    }),
    offers: { once: option("allow_once") !== undefined, session: option("allow_always") !== undefined },
    oneTap: isExact,
  };
  const denial = selected(option("reject_once") ?? option("reject_always"));
  const resultOf = (_: string, { decision, scope }: PermissionAnswer) => {
    if (decision === "deny") return denial;
    return selected((scope === "session" ? option("allow_always") : undefined) ?? option("allow_once"));
  };
  return { requests: [request], resultOf, denial };
}

const merged = (before: ToolCall | undefined, now: ToolCall): ToolCall => ({
  ...before,
  ...(Object.fromEntries(Object.entries(now).filter(([, value]) => value != null)) as ToolCall),
});

const Input = z.object({
  command: z
    .union([text, z.array(text)])
    .optional()
    .catch(undefined),
  cwd: text.optional().catch(undefined),
  directory: text.optional().catch(undefined),
  url: text.optional().catch(undefined),
});

/** `isExact`: people see all of what will be done. */
function subjectOf(call: ToolCall, agent: string, cwd: string) {
  const { isWhole = true, ...given } = givenIn(call, agent, cwd);
  const { subject, isExact } = spelledOut(given.subject);
  return { subject, isExact: isWhole && isExact };
}

/** `isWhole` is false where the subject shows another form of the input, or none. */
function givenIn(
  call: ToolCall,
  agent: string,
  cwd: string,
): Pick<PermissionRequest, "subject"> & { isWhole?: boolean } {
  const input = Input.safeParse(call.rawInput).data ?? {};
  const line = Array.isArray(input.command) ? input.command.join(" ") : input.command;
  if (call.kind === "execute" && line) {
    const subject = { type: "command" as const, line, cwd: input.cwd ?? input.directory ?? cwd, envNames: [] };
    return { subject, isWhole: line === input.command };
  }
  const diffs = (call.content ?? []).flatMap((one) => ("newText" in one ? [diffIn(one)] : []));
  if (diffs.length > 0) {
    const diff = diffs.map(({ path, patch }) => `--- ${path}\n+++ ${path}\n${patch}`).join("\n");
    return editOf(
      diffs.map(({ path }) => path),
      diff,
    );
  }
  if (call.kind === "fetch" && input.url) return { subject: { type: "fetch", url: input.url } };
  const given = z.record(z.string(), z.unknown()).safeParse(call.rawInput).data;
  const paths = (call.locations ?? []).map(({ path }) => path);
  const name = call.name ?? call.kind ?? "tool";
  return {
    subject: { type: "tool", server: agent, name, input: given ?? { title: call.title ?? null, paths } },
    isWhole: given !== undefined,
  };
}

function elicitationAsk(
  { requestId, agent }: AskTask,
  { mode, message, requestedSchema, url }: z.infer<typeof FormAsk>,
): Ask {
  const denial = { action: "decline" };
  const isForm = mode === "form";
  if (!isForm && !url) return { requests: [], resultOf: () => denial, denial };
  const questions = isForm ? questionsOf(message, requestedSchema) : [acceptance(`${message}\n\n${url}`)];
  const isEmpty = questions.length === 1 && questions[0]?.key === "accepted";
  const round = createRound({
    ...{ requestId, title: `${agent} asks`, exact: canonical({ message, requestedSchema, url }) },
    questions,
  });
  return formAsk(round, denial, (content) => ({ action: "accept", ...(!isEmpty && { content }) }));
}
