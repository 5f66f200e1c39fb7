import { createHash } from "node:crypto";
import type { ApprovalKind, ApprovalSubject } from "../../protocol/approvals.ts";
import { canonical } from "../../protocol/canonical.ts";
import { isVisible, visibleShortly } from "../../protocol/visible.ts";

/** Characters of a subject that a chat shows. */
const CARD = 1500;

/** Hash of exactly what is asked for. */
export const hashOf = (kind: ApprovalKind, subject: ApprovalSubject): string =>
  createHash("sha256")
    .update(canonical([kind, subject]))
    .digest("hex");

/** Tool of a subject, as rules name it. */
export const toolOf = (subject: ApprovalSubject): string =>
  subject.type === "tool" ? `${subject.server}/${subject.name}` : subject.type;

/** The whole argument of a subject, as rules match it. */
export function argumentOf(subject: ApprovalSubject): string {
  switch (subject.type) {
    case "command":
      return subject.line;
    case "edit":
      return subject.path;
    case "fetch":
      return subject.url;
    case "tool":
      return canonical(subject.input);
    default:
      return canonical(subject);
  }
}

/** Parts that a rule judges one by one: each file of an edit; else the subject itself. */
export const partsOf = (subject: ApprovalSubject): ApprovalSubject[] =>
  subject.type === "edit" ? [subject.path, ...(subject.also ?? [])].map((path) => ({ ...subject, path })) : [subject];

/** Folder or file that `under` of a rule looks at. */
export function placeOf(subject: ApprovalSubject): string | undefined {
  if (subject.type === "command") return subject.cwd;
  return subject.type === "edit" ? subject.path : undefined;
}

/** Everything of a subject, for people. */
export function textOf(subject: ApprovalSubject): string {
  switch (subject.type) {
    case "command":
      return `${subject.line}\nin ${subject.cwd}${subject.envNames.length ? `\nwith ${subject.envNames.join(", ")}` : ""}`;
    case "edit":
      return [subject.path, ...(subject.also ?? []), subject.diff].join("\n");
    case "fetch":
      return subject.url;
    case "tool":
      return `${subject.server}/${subject.name}\n${canonical(subject.input)}`;
    case "spawn":
      return spawnText(subject);
    case "question":
      return subject.text;
    case "access":
      return `${subject.sender}\ncode ${subject.code}`;
  }
}

/** A spawn: first what it is, then where and how, one a line; its prompts last, whole. */
function spawnText({ type: _, orchestratorId, provider, prompt, systemPrompt, ...how }: Spawn): string {
  const rest = Object.entries(how).filter(([, value]) => value !== undefined && value !== false);
  return [
    `${provider} on ${orchestratorId}`,
    ...rest.map(([name, value]) => `${name}: ${typeof value === "string" ? value : canonical(value)}`),
    ...(systemPrompt === undefined ? [] : [`system prompt: ${systemPrompt}`]),
    ...(prompt === undefined ? [] : [prompt]),
  ].join("\n");
}

type Spawn = Extract<ApprovalSubject, { type: "spawn" }>;

const shownOf = (subject: ApprovalSubject): string => visibleShortly(textOf(subject));

/** That much of a subject is shown in a chat. */
export const cardOf = (subject: ApprovalSubject): string => shownOf(subject).slice(0, CARD).toWellFormed();
/** Whether a chat shows its beginning alone: it is not allowed there. */
export const isCut = (subject: ApprovalSubject): boolean => shownOf(subject).length > CARD;

/**
 * Whether one tap, or a rule, may allow it, by its maker and by what it shows: never where characters hide or turn others. A question is
 * answered with words.
 */
export const tapOf = ({ kind, subject, oneTap }: Tapped): boolean =>
  oneTap && (kind === "question" || isVisible(textOf(subject)));

type Tapped = { kind: ApprovalKind; subject: ApprovalSubject; oneTap: boolean };
