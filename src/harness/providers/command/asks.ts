import { canonical } from "../../../protocol/canonical.ts";
import { visible } from "../../../protocol/visible.ts";
import type { PermissionRequest } from "../provider.ts";
import { choices, chosen, titleOf } from "../questions.ts";
import { spelledOut } from "../subjects.ts";
import type { AskLine } from "./lines.ts";

/** Question of an agent as a person sees it; undefined for one that asks for nothing. */
export function requestOf(ask: AskLine, cwd: string): PermissionRequest | undefined {
  const given = givenIn(ask, cwd);
  if (!given) return undefined;
  const { subject, isExact } = spelledOut(given);
  const { command, question, tool } = ask;
  return {
    requestId: ask.id,
    subject,
    title: titleOf(ask.title ?? question ?? visible(command ?? tool?.name ?? "")),
    exact: canonical({ command, question, tool, cwd }),
    offers: { once: true, session: false },
    // A button must not stand for a text that shows otherwise than it runs.
    oneTap: isExact || subject.type === "question",
  };
}

const optionsOf = ({ options }: AskLine) => choices(options.map((label) => ({ value: label, label })));

/** Words of a person as the agent gets them: an option as it stands in the question. */
export const wordsOf = (ask: AskLine, text: string | null): string | null =>
  text === null ? null : (chosen(optionsOf(ask), text)?.value ?? text);

function givenIn(ask: AskLine, cwd: string): PermissionRequest["subject"] | undefined {
  const { command, question, tool } = ask;
  if (command !== undefined) return { type: "command", line: command, cwd, envNames: [] };
  if (tool) return { type: "tool", server: "agent", name: tool.name, input: tool.input };
  if (question === undefined) return undefined;
  const shown = optionsOf(ask).map(({ id, label }) => ({ id, label }));
  return { type: "question", text: question, options: shown };
}
