import {
  AnnouncementFacts,
  type AnnouncementFinding,
  type AnnouncementInstruction,
} from "../../protocol/announcements.ts";
import { harmlessLine } from "../../protocol/harmless.ts";
import type { Message } from "../../protocol/messages.ts";
import { tokensOf } from "./tokens.ts";

/** The parts of an announcement's envelope. */
export interface AnnouncementText {
  /** Lines inside the fence, above the result: they name the task and the error. */
  lead: string[];
  /** Inside the fence: the result, and the results of runs that the run had asked for. */
  said: string;
  /** Outside, in the relay's words: the outcome, alone and with the figures. */
  outcome: string;
  report: string;
  instruction: AnnouncementInstruction;
}

/** Longest name of a task, and longest error. */
const TITLE = 200;
const ERROR = 400;
/** Most of the room for the lines below the fence. */
const SHARE = 0.6;

const OUTCOMES = {
  ok: "completed successfully",
  error: "failed",
  timeout: "timed out",
  aborted: "was stopped",
  unknown: "finished with unknown status",
} as const;

const ACTIONS: Record<AnnouncementInstruction, string> = {
  deliver:
    "Action: The result is ready for your user. Put it into your own words and send it now. Keep internals private.",
  update:
    "Action: Turn it into a short update for your own requester. Keep internals private. If it is a duplicate, or there is " +
    "nothing to say, reply only NO_REPLY.",
  quiet:
    "Action: The result is ready for your user. Put it into your own words and send it now; do not copy it. Keep internals " +
    "private. If this exact result has reached the user in this turn, reply only NO_REPLY.",
};

export const actionFor = (instruction: AnnouncementInstruction): string => ACTIONS[instruction];

/** An announcement as its reader's model gets it; undefined for other messages. Facts come from the relay, texts from others. */
export function announcementText(letter: Pick<Message, "kind" | "payload" | "body">): AnnouncementText | undefined {
  const said = letter.kind === "announcement" ? letter.payload?.announcement : undefined;
  const facts = said === undefined ? undefined : AnnouncementFacts.safeParse(said).data;
  if (!facts) return undefined;
  const title = facts.label ?? facts.task;
  return {
    lead: [
      ...(title === null ? [] : [`Task: ${harmlessLine(title, TITLE)}`]),
      ...(hasOwnSession(facts) ? [] : [`Session: ${harmlessLine(facts.sessionKey, TITLE)}`]),
      ...(facts.statusText === null ? [] : [`Error: ${harmlessLine(facts.statusText, ERROR)}`]),
    ],
    said: [letter.body, ...findingsText(facts)].join("\n"),
    outcome: outcomeOf(facts),
    report: reportOf(facts),
    instruction: facts.instruction,
  };
}

/** Whether the session is that of this run or its message alone: its name says nothing. */
const hasOwnSession = ({ sessionKey, runId }: AnnouncementFacts): boolean =>
  sessionKey === runId || /^msg:\d+$/.test(sessionKey);

/**
 * Lines below the fence: the report, and what to do with it unless that is said once for several. They leave
 * room for the result.
 */
export function linesBelow(
  { outcome, report, instruction }: AnnouncementText,
  tokens: number,
  isJoined = false,
): string[] {
  const action = isJoined ? [] : [actionFor(instruction)];
  const ways = [[report, ...action], [outcome, ...action], action, [outcome]];
  return ways.find((lines) => tokensOf(lines.join("\n")) <= tokens * SHARE) ?? [];
}

const outcomeOf = ({ runId, status }: AnnouncementFacts): string =>
  `${/^run_[a-z0-9]{1,40}$/.test(runId) ? `Run ${runId}` : "A run"} ${OUTCOMES[status]}.`;

function reportOf(facts: AnnouncementFacts): string {
  const { late, result, stats } = facts;
  const file =
    result.fileId !== undefined && /^fil_[a-z0-9]{1,40}$/.test(result.fileId) ? ` as file ${result.fileId}` : "";
  return [
    outcomeOf(facts),
    ...(late ? ["It came late: the run had been given up."] : []),
    ...(result.cut ? [`The result is cut; the whole is kept${file}.`] : []),
    statsLine(stats),
  ].join(" ");
}

/** `Stats: runtime 5m12s • tokens 1.0k (in 12 / out 1.0k) • prompt/cache 197.0k` */
function statsLine({ runtimeSeconds, inputTokens, outputTokens, cacheTokens }: AnnouncementFacts["stats"]): string {
  const sum = inputTokens + outputTokens;
  return [
    `Stats: runtime ${runtime(runtimeSeconds)}`,
    `tokens ${tokens(sum)} (in ${tokens(inputTokens)} / out ${tokens(outputTokens)})`,
    ...(cacheTokens > 0 ? [`prompt/cache ${tokens(cacheTokens)}`] : []),
  ].join(" • ");
}

function runtime(seconds: number | null): string {
  if (seconds === null || seconds <= 0) return "n/a";
  const whole = Math.round(seconds);
  if (whole >= 3600) return `${Math.floor(whole / 3600)}h${Math.floor((whole % 3600) / 60)}m`;
  return whole >= 60 ? `${Math.floor(whole / 60)}m${whole % 60}s` : `${whole}s`;
}

function tokens(count: number): string {
  if (count >= 1_000_000) return `${(count / 1_000_000).toFixed(1)}m`;
  return count >= 1000 ? `${(count / 1000).toFixed(1)}k` : String(count);
}

function findingsText({ findings, findingsLeftOut }: AnnouncementFacts): string[] {
  if (findings.length === 0) return [];
  const more = findingsLeftOut > 0 ? [`${findingsLeftOut} more are not shown.`] : [];
  return ["", "Results of the runs that it asked for:", ...findings.flatMap(findingText), ...more];
}

function findingText({ runId, label, task, status, statusText, result }: AnnouncementFinding, index: number): string[] {
  const title = harmlessLine(label ?? task ?? runId, TITLE);
  const error = statusText === null ? "" : `: ${harmlessLine(statusText, ERROR)}`;
  return [`${index + 1}. ${title}`, `status: ${status}${error}`, `${result.text}${result.cut ? " (cut)" : ""}`];
}
