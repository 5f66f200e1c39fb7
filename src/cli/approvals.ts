import type { ApprovalRule, ApprovalRuleDraft, MadeRule } from "../protocol/approval-rules.ts";
import { APPROVAL_STATES, type Approval } from "../protocol/approvals.ts";
import { visible, visibleShortly } from "../protocol/visible.ts";
import { type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { wholeNumber } from "./options.ts";
import { safeLine } from "./screen.ts";
import { fieldsText, timeText } from "./show.ts";

const GROUP = "People and approvals:";
const about = { argument: "<approval>", about: "the approval's id, apr_…", example: "apr_1a2b3c" };

/** Questions to people that block agents, and rules that answer them. */
export function addApprovalCommands(program: CliCommand): void {
  const approvals = program.sub("approvals", "List, show and answer what agents wait for", GROUP);
  approvals
    .sub("list", "List approvals, newest first")
    .paged()
    .choice("--state <state>", "in this state (default: pending)", [...APPROVAL_STATES, "all"])
    .option("--agent <id>", "asked for by this agent")
    .option("--run <id>", "asked for by this run")
    .option("--project <project>", "in this project")
    .example("approvals list", "approvals list --state all --agent builder")
    .act(list);
  idCommands(approvals, about)(
    "show",
    "Show an approval whole",
    (client, id) => client.approvals.get(id),
    approvalText,
  );
  addAnswer(approvals);
  addRules(approvals);
}

interface ListOptions extends Omit<QueryOf<Context["client"]["approvals"]["list"]>, "state"> {
  state?: Approval["state"] | "all";
}

async function list({ client, out }: Context, { state = "pending", ...query }: ListOptions): Promise<void> {
  const page = await client.approvals.list({ ...query, ...(state !== "all" && { state }) });
  const none = state === "pending" ? "Nothing waits for an approval" : "There are no such approvals";
  await out.page(page, none, (items) => out.table(HEAD, items.map(rowOf)));
}

const HEAD = ["APPROVAL", "AGENT", "KIND", "STATE", "TITLE", "EXPIRES"];
function rowOf({ id, agentId, kind, state, answer, title, subject, expiresAt, count }: Approval): string[] {
  const about = visible(aboutText({ title, subject }));
  return [
    ...[id, agentId, kind, answer ? `${state}: ${answer.option}` : state],
    ...[count > 1 ? `${about} (${count} times)` : about, timeText(expiresAt)],
  ];
}

/** Title, and the line, path or address that it is about. */
function aboutText({ title, subject }: Pick<Approval, "title" | "subject">): string {
  const { line, path, url } = subject as { line?: string; path?: string; url?: string };
  const of = line ?? path ?? url;
  return of === undefined || title.includes(of) ? title : `${title}: ${of}`;
}

function approvalText(
  { subject, options, answer, applied, askedOf, ...rest }: Approval,
  _: string,
  out: Context["out"],
) {
  const { conversation, meta, ...plain } = rest;
  const choices = options.map(({ id, label, decision, scope }) => [
    id,
    label,
    scope ? `${decision} ${scope}` : decision,
  ]);
  return [
    fieldsText({ ...plain, title: visible(plain.title) }, out),
    "What exactly:",
    ...subjectLines(subject),
    ...(answer ? [`Answered with ${safeLine(answer.option)} by ${safeLine(answer.person ?? answer.via)}`] : []),
    ...(applied
      ? [applied.ok ? "The agent took it" : `The agent did not take it: ${safeLine(applied.error ?? "")}`]
      : []),
    ...askedOf.map(({ personId, at }) => `Asked ${safeLine(personId ?? "its chat")} at ${timeText(at)}`),
    out.table(["OPTION", "LABEL", "DOES"], choices),
  ].join("\n");
}

/** Exactly what an approval is about, spelled out for a terminal. */
export const subjectLines = (subject: Approval["subject"]): string[] =>
  Object.entries(subject).flatMap(([name, value]) => {
    if (Array.isArray(value) && value.length === 0) return [];
    return visibleShortly(`${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
      .split("\n")
      .map((line) => `  ${line}`);
  });

interface AnswerOptions {
  option?: string;
  text?: string;
  hash?: string;
}

function addAnswer(approvals: CliCommand): void {
  approvals
    .sub("answer", "Answer an approval")
    .argument("<approval>", about.about)
    .argument("[option]", "one of its options, or allow or deny")
    .option("--text <text>", "for an option that answers")
    .option("--hash <hash>", "the hash of what you read (default: as it is now)")
    .example("approvals answer apr_1a2b3c allow", 'approvals answer apr_1a2b3c other --text "Use the staging key"')
    .act(async ({ client, out }, id: string, given: string | undefined, { text, hash }: AnswerOptions) => {
      const approval = await client.approvals.get(id);
      const option = optionIn(approval, given);
      const answered = await client.approvals.answer(id, {
        option,
        hash: hash ?? approval.hash,
        ...(text && { text }),
      });
      await out.show(answered, () => `${safeLine(id)} is answered with ${safeLine(option)}`);
    });
}

export function optionIn({ id, options }: Pick<Approval, "id" | "options">, given: string | undefined): string {
  const exact = options.find((option) => option.id === given);
  const fitting = options.filter(({ decision }) => decision === given);
  const chosen = exact ?? fitting.find(({ scope }) => scope === undefined || scope === "once") ?? fitting[0];
  if (chosen) return chosen.id;
  const names = options.map((option) => option.id).join(", ");
  throw new Stop(EXIT.usage, `Name one of its options: signalbox approvals answer ${id} <${names}>`);
}

function addRules(approvals: CliCommand): void {
  approvals
    .sub("rules", "List the rules that answer permissions, in order")
    .example("approvals rules")
    .act(async ({ client, out }) => {
      const rules = await client.approvals.rules();
      await out.show(rules, () =>
        rules.items.length === 0
          ? "There are no rules: people answer everything"
          : out.table(["#", "RULE", "DOES", "TOOL", "MATCH", "UNDER", "AGENT"], rules.items.map(ruleRow)),
      );
    });
  approvals
    .sub("allow", "Add a rule; it also answers what waits")
    .alias("rule")
    .argument("<tool>", "command, edit, fetch, <server>/<name>, or *")
    .argument("[match]", "glob over the whole argument")
    .option("--deny", "deny what matches")
    .option("--ask", "leave what matches to people, whatever later rules say")
    .option("--agent <id>", "for this agent alone")
    .option("--under <folder>", "in this folder alone")
    .option("--position <n>", "its place (default: the last)", wholeNumber)
    .example("approvals allow command 'git status*' --under /work", "approvals allow command '*sudo *' --deny")
    .act(addRule);
  approvals
    .sub("rerule", "Change a rule, or its place; it keeps its id")
    .argument("<rule>", "the rule's id, rul_…")
    .option("--allow", "allow what matches")
    .option("--deny", "deny what matches")
    .option("--ask", "leave what matches to people, whatever later rules say")
    .option("--tool <tool>", "command, edit, fetch, <server>/<name>, or *")
    .option("--match <glob>", "over the whole argument; empty: any")
    .option("--agent <id>", "for this agent alone; empty: all")
    .option("--under <folder>", "in this folder alone; empty: any")
    .option("--position <n>", "its place", wholeNumber)
    .example("approvals rerule rul_1a2b3c --position 1", "approvals rerule rul_1a2b3c --deny --match '*--force*'")
    .act(changeRule);
  idCommands(approvals, { argument: "<rule>", about: "the rule's id, rul_…", example: "rul_1a2b3c" })(
    "unrule",
    "Remove a rule",
    (client, id) => client.approvals.removeRule(id).then(() => ({ removed: id })),
    (_, id) => `${id} is removed`,
  );
}

interface RuleOptions {
  allow?: boolean;
  tool?: string;
  match?: string;
  deny?: boolean;
  ask?: boolean;
  agent?: string;
  under?: string;
  position?: number;
}

async function addRule(
  { client, out }: Context,
  tool: string,
  match: string | undefined,
  { deny, ask, agent: agentId, under, position }: RuleOptions,
): Promise<void> {
  const decision = decisionOf({ deny, ask }) ?? "allow";
  const made = await client.approvals.addRule({ tool, match, decision, agentId, under, position });
  await out.show(made, () => `${made.id} is rule ${made.position}${answeredText(made)}`);
}

async function changeRule({ client, out }: Context, id: string, given: RuleOptions): Promise<void> {
  const { tool, match, agent, under, position } = given;
  const orNull = (value: string | undefined): string | null | undefined => (value === "" ? null : value);
  const made = await client.approvals.changeRule(id, {
    ...{ decision: decisionOf(given), tool, position },
    ...{ match: orNull(match), agentId: orNull(agent), under: orNull(under) },
  });
  await out.show(made, () => `${made.id} is rule ${made.position}${answeredText(made)}`);
}

/** @throws Stop when several are named */
function decisionOf({ allow, deny, ask }: RuleOptions): ApprovalRuleDraft["decision"] | undefined {
  const named = Object.entries({ allow, deny, ask }).flatMap(([name, isNamed]) => (isNamed ? [name] : []));
  if (named.length > 1) throw new Stop(EXIT.usage, `Name one of ${named.map((name) => `--${name}`).join(" and ")}.`);
  return named[0] as ApprovalRuleDraft["decision"] | undefined;
}

const answeredText = ({ answered }: MadeRule): string =>
  answered.length > 0 ? `; it answered ${answered.join(", ")}` : "";

const ruleRow = ({ position, id, decision, tool, match, under, agentId }: ApprovalRule): string[] => [
  ...[String(position), id, decision, tool, match ?? "*", under ?? "", agentId ?? "all"],
];
