import type { ApprovalSubject } from "../../protocol/approvals.ts";
import { matchesGlob } from "./glob.ts";
import type { RuleRow } from "./row.ts";
import { argumentOf, partsOf, placeOf, toolOf } from "./subject.ts";

/** With these a command line is several commands, or another one than it seems. */
const SHELL = /[;&|<>`\r\n]|\$\(/;

/** Rule that decides: any deny that matches, else the first that matches. Undefined leaves it to a person. */
export function decidingRule(
  rules: readonly RuleRow[],
  asked: { agentId: string; subject: ApprovalSubject },
): RuleRow | undefined {
  const matching = rules.filter((rule) => matches(rule, asked));
  return matching.find(({ decision }) => decision === "deny") ?? matching[0];
}

function matches(rule: RuleRow, { agentId, subject }: { agentId: string; subject: ApprovalSubject }): boolean {
  if (rule.agentId !== null && rule.agentId !== agentId) return false;
  if (rule.tool !== "*" && rule.tool !== toolOf(subject)) return false;
  const fits = (part: ApprovalSubject) => isUnder(rule, part) && matchesArgument(rule, part);
  // An allow has to be about all files of an edit, a deny about one.
  return rule.decision === "deny" ? partsOf(subject).some(fits) : partsOf(subject).every(fits);
}

function matchesArgument({ match, decision }: RuleRow, subject: ApprovalSubject): boolean {
  const argument = argumentOf(subject);
  if (decision === "allow" && subject.type === "command" && SHELL.test(argument)) return match === argument;
  return match === null || matchesGlob(match, argument);
}

/** A path that leads out of itself lies under no folder of an allow, and under every folder of a deny. */
function isUnder({ under, decision }: RuleRow, subject: ApprovalSubject): boolean {
  if (under === null) return true;
  const place = placeOf(subject);
  if (place === undefined) return false;
  if (!place.startsWith("/") || place.split("/").includes("..")) return decision === "deny";
  const folder = `${plain(under)}/`;
  return `${plain(place)}/`.startsWith(folder === "//" ? "/" : folder);
}

/** A path without empty and `.` steps. */
const plain = (path: string): string =>
  `/${path
    .split("/")
    .filter((step) => step !== "" && step !== ".")
    .join("/")}`;
