import { ApprovalPart } from "../../protocol/approvals.ts";
import { subjectLines } from "../approvals.ts";
import { EXIT, Stop } from "../exit.ts";
import { safeLine } from "../screen.ts";
import { timeText } from "../show.ts";

/** An approval under the number by which it is answered. */
export interface Numbered {
  number: number;
  part: ApprovalPart;
}

/** Approvals of a session, numbered in the order in which they were asked. */
export function createApprovalBook() {
  const known = new Map<string, Numbered>();
  const pending = () => [...known.values()].filter(({ part }) => part.state === "pending");
  return {
    pending,
    /** Takes the newest part of an approval. @returns text for a person; empty for one that cannot be read */
    take(data: unknown): string {
      const { data: part } = ApprovalPart.safeParse(data);
      if (!part) return "";
      const before = known.get(part.id);
      const number = before?.number ?? known.size + 1;
      known.set(part.id, { number, part });
      return part.state === "pending" ? questionText(number, part) : endText(number, part, before?.part);
    },
    /** The approval of a number; without one the only one that is pending. @throws Stop */
    named(number: number | undefined): Numbered {
      const open = pending();
      const found = number === undefined ? open[0] : open.find((one) => one.number === number);
      if (number === undefined && open.length > 1)
        throw new Stop(EXIT.usage, `Name one of ${open.map((one) => one.number).join(", ")}`);
      if (found) return found;
      throw new Stop(
        EXIT.usage,
        number === undefined ? "Nothing waits for an answer" : `Nothing waits under ${number}`,
      );
    },
  };
}

function questionText(number: number, { id, title, subject, cut, options, expiresAt }: ApprovalPart): string {
  const answers = options.some(({ decision }) => decision === "answer");
  const choices = options.map(({ id: option, label }) => `${safeLine(option)} (${safeLine(label)})`).join(", ");
  return [
    `[${number}] ${safeLine(title)}`,
    ...(subject ? subjectLines(subject) : []),
    ...(cut ? [`  It is too long to be shown here: signalbox approvals show ${id}`] : []),
    `  until ${timeText(expiresAt)}: ${answers ? `/approve ${number} <option>: ${choices}` : `/approve ${number}, /deny ${number}`}`,
  ].join("\n");
}

/** How it ended, or that the agent took the answer; empty for no news. */
function endText(
  number: number,
  { title, state, answer, applied, reason }: ApprovalPart,
  before?: ApprovalPart,
): string {
  const of = `[${number}] ${safeLine(title)}`;
  if (before?.state === state) return applied?.ok === false ? `${of}: the agent did not take the answer` : "";
  const who = answer ? ` with ${safeLine(answer.option)} by ${safeLine(answer.person ?? answer.via)}` : "";
  const why = reason ? `: ${safeLine(reason)}` : "";
  return `${of}: ${state}${who}${why}`;
}
