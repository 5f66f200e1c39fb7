import { z } from "zod";
import { canonical } from "../../../protocol/canonical.ts";
import type { PermissionAnswer, PermissionRequest, SessionEvent } from "../provider.ts";
import { choices, chosen, createRound, titleOf } from "../questions.ts";
import { spelledOut } from "../subjects.ts";
import type { PermissionAsk } from "./wire.ts";

interface AskHost {
  cwd: string;
  unattended: boolean;
  on(event: SessionEvent): void;
  /** Answers a control request of the CLI. */
  respond(requestId: string, response: object): Promise<void>;
}

/** Open question of the CLI. It may be several requests. */
interface Open {
  requests: PermissionRequest[];
  /** Answer to the CLI; undefined while others of its requests are open. */
  take(id: string, answer: PermissionAnswer): object | undefined;
}

const REFUSAL = "Permission was refused.";
const UNATTENDED = "Nobody is there to answer. Go on without it.";

/** Questions by which the CLI is blocked, from `can_use_tool` to its answer or its withdrawal. */
export function createAsks({ cwd, unattended, on, respond }: AskHost) {
  const open = new Map<string, Open>();

  const withdraw = (requestId: string) => {
    const requests = open.get(requestId)?.requests ?? [];
    open.delete(requestId);
    for (const request of requests) on({ type: "ask-withdrawn", requestId: request.requestId });
  };

  return {
    take(requestId: string, ask: PermissionAsk): void {
      // A CLI that is asked to begin again tells its open questions again.
      if (open.has(requestId)) return;
      if (unattended) return void respond(requestId, denial(UNATTENDED)).catch(() => undefined);
      const one = ask.tool_name === "AskUserQuestion" ? questions(requestId, ask) : permission(requestId, ask, cwd);
      open.set(requestId, one);
      for (const request of one.requests) on({ type: "ask", request });
    },
    withdraw,
    withdrawAll: () => {
      for (const requestId of [...open.keys()]) withdraw(requestId);
    },
    async answer(id: string, answer: PermissionAnswer): Promise<boolean> {
      for (const [requestId, one] of open) {
        if (!one.requests.some((request) => request.requestId === id)) continue;
        const response = one.take(id, answer);
        one.requests = one.requests.filter((request) => request.requestId !== id);
        if (!response) return true;
        open.delete(requestId);
        await respond(requestId, response);
        for (const rest of one.requests) on({ type: "ask-withdrawn", requestId: rest.requestId });
        return true;
      }
      return false;
    },
  };
}

const denial = (message: string) => ({ behavior: "deny", message });

function permission(requestId: string, ask: PermissionAsk, cwd: string): Open {
  const { tool_name: name, input } = ask;
  const subject = subjectOf(name, input, cwd);
  const rules = ask.suppress_always_allow_rule ? [] : rulesOf(ask);
  const request: PermissionRequest = {
    requestId,
    subject: subject.shown,
    title: titleOf(ask.title || [name, ask.description].filter(Boolean).join(": ")),
    exact: canonical({ tool: name, input }),
    offers: { once: true, session: rules.length > 0 },
    // A button must not stand for a text that shows otherwise than it runs.
    oneTap: !ask.default_to_no && !ask.requires_user_interaction && subject.isExact,
  };
  const take = (_: string, { decision, scope, text }: PermissionAnswer) => {
    if (decision !== "allow") return denial(text || REFUSAL);
    // The input as it was asked for, compared with the text that people saw.
    if (canonical({ tool: name, input }) !== request.exact) return denial("The input has changed since it was shown.");
    return { behavior: "allow", updatedInput: input, ...(scope === "session" && { updatedPermissions: rules }) };
  };
  return { requests: [request], take };
}

/** Rules that the CLI suggests, for this session alone: it would write them into the person's settings. */
const rulesOf = ({ permission_suggestions: suggestions = [] }: PermissionAsk): object[] =>
  suggestions.filter(({ type }) => type === "addRules").map((rule) => ({ ...rule, destination: "session" }));

const Questions = z.object({
  questions: z
    .array(
      z.object({
        question: z.string(),
        options: z.array(z.object({ label: z.string() })).catch([]),
      }),
    )
    .min(1),
});

function questions(requestId: string, ask: PermissionAsk): Open {
  const { data } = Questions.safeParse(ask.input);
  const asked = data?.questions ?? [{ question: ask.description ?? "The agent has a question.", options: [] }];
  const round = createRound({
    requestId,
    title: asked[0]?.question ?? "Question",
    exact: canonical({ tool: ask.tool_name, input: ask.input }),
    questions: asked.map(({ question, options }) => {
      const shown = choices(options.map(({ label }) => ({ value: label, label })));
      const labelOf = (answer: string) => chosen(shown, answer)?.value ?? answer;
      return { key: question, text: question, options: shown, isRequired: true, valueOf: labelOf };
    }),
  });
  return {
    requests: round.requests,
    take(id, answer) {
      const values = round.take(id, answer);
      if (values === "denied") return denial(answer.text || "The person does not answer this.");
      return values && { behavior: "allow", updatedInput: { ...ask.input, answers: values } };
    },
  };
}

/** Members of a shell's input that change nothing of what a person allows by its line. Leave to do without the sandbox is none. */
const SHOWN_OF_BASH = ["command", "description", "timeout", "run_in_background"];

/** Subject of an approval. `isExact`: people see all of what will be done. */
function subjectOf(name: string, input: Record<string, unknown>, cwd: string) {
  const { isWhole = true, ...given } = givenIn(name, input, cwd);
  const { subject, isExact } = spelledOut(given.subject);
  return { shown: subject, isExact: isWhole && isExact };
}

interface Given {
  subject: PermissionRequest["subject"];
  /** false: the input says more than the subject. */
  isWhole?: boolean;
}

function givenIn(name: string, input: Record<string, unknown>, cwd: string): Given {
  if (name === "Bash") {
    const isWhole = Object.keys(input).every((key) => SHOWN_OF_BASH.includes(key));
    return { subject: { type: "command", line: textIn(input.command), cwd, envNames: [] }, isWhole };
  }
  if (name === "WebFetch") return { subject: { type: "fetch", url: textIn(input.url) } };
  const path = input.file_path ?? input.notebook_path;
  if (EDITORS.includes(name) && typeof path === "string") {
    const diff = diffOf(input);
    return { subject: { type: "edit", path, diff }, isWhole: diff !== "" };
  }
  const [, server = "claude", tool = name] = /^mcp__(.+?)__(.+)$/.exec(name) ?? [];
  return { subject: { type: "tool", server, name: tool, input } };
}

const textIn = (value: unknown): string => String(value ?? "");

const EDITORS = ["Edit", "MultiEdit", "Write", "NotebookEdit"];

/** Lines that an edit takes out and puts in. */
function diffOf(input: Record<string, unknown>): string {
  const edits = Array.isArray(input.edits) ? (input.edits as Record<string, unknown>[]) : [input];
  const lines = (sign: string, text: unknown) =>
    typeof text === "string" && text !== ""
      ? text
          .replace(/\n$/, "")
          .split("\n")
          .map((line) => sign + line)
      : [];
  return edits
    .flatMap((edit) => [
      ...lines("-", edit.old_string),
      ...lines("+", edit.new_string ?? edit.content ?? edit.new_source),
    ])
    .join("\n");
}
