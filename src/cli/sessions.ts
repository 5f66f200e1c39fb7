import { type Limit, type Session, SessionLane, SessionState } from "../protocol/sessions.ts";
import { trackState } from "../protocol/states.ts";
import type { SessionTrack } from "../protocol/tracks.ts";
import { addWholeList, type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { listForeign } from "./foreign.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { fieldsText, localText, timeText } from "./show.ts";
import { SIGNS_TEXT, trackLines } from "./track.ts";

const GROUP = "Agents and tokens:";

/** Sessions of agent CLIs, and limits of their providers. */
export function addSessionCommands(program: CliCommand): void {
  const sessions = program.sub("sessions", "See the sessions that orchestrators run", GROUP);
  addList(sessions);
  addStates(sessions);
  const add = idCommands(sessions, {
    ...{ argument: "<session>", about: "the session's id, ses_…", example: "ses_1a2b3c" },
  });
  add(
    "show",
    "Show a session",
    (client, id) => client.sessions.get(id),
    (session, _, out) => sessionText(session, out),
  );
  add(
    "free",
    "Free a session whose machine is lost, so that another may write it",
    (client, id) => client.sessions.lease(id, { force: true }),
    ({ fence }, id) => `${id} is free: what still writes it is refused (fence ${fence})`,
  );
  addLimits(program);
}

function addList(sessions: CliCommand): void {
  sessions
    .sub("list", "List sessions, newest first")
    .paged()
    .option("--all", "dead ones too")
    .option("--agent <id>", "of this agent")
    .option("--orchestrator <id>", "that this orchestrator runs")
    .option("--project <name>", "of this project")
    .option("--tag <tag>", "with this tag")
    .option("--pr <pull>", "with this pull request: its address, owner/name#7, or 7")
    .choice("--state <state>", "in this state", SessionState.options)
    .choice("--lane <lane>", "of this lane", SessionLane.options)
    .option("--foreign", "those that people began by hand, as the daemons find them, and how to adopt each")
    .option("--on <orchestrator>", "with --foreign: on this machine alone")
    .example(
      ...["sessions list", "sessions list --state limited --orchestrator box", "sessions list --foreign --on box"],
    )
    .act(list);
}

/** Last hour of sessions, as the line of the console has it. */
function addStates(sessions: CliCommand): void {
  sessions
    .sub("states", "Show the last hour of each session, a character a minute")
    .paged()
    .option("--agent <id>", "of this agent")
    .option("--orchestrator <id>", "that this orchestrator runs")
    .option("--project <name>", "of this project")
    .addHelpText("after", `\n${SIGNS_TEXT}`)
    .example("sessions states --project github.com/acme/app")
    .act(async ({ client, out }, query: QueryOf<typeof client.sessions.states>) => {
      const page = await client.sessions.states(query);
      await out.page(page, "No session was live", (items) => out.table(STATES_HEAD, items.map(statesOf)));
    });
}

const STATES_HEAD = ["SESSION", "AGENT", "STATE", "SINCE", "LAST HOUR"];
const statesOf = (track: SessionTrack): string[] => [
  ...[track.id, track.agentId, trackState(track), localText(track.since), trackLines(track, Date.now())[0]],
];

type ListOptions = QueryOf<Context["client"]["sessions"]["list"]> & { all?: boolean; foreign?: boolean; on?: string };

async function list(context: Context, { all, foreign, on, ...query }: ListOptions): Promise<void> {
  const { client, out } = context;
  if (!foreign && on !== undefined) throw new Stop(EXIT.usage, "--on goes with --foreign. Else name --orchestrator.");
  if (foreign && (all || Object.keys(query).length > 0))
    throw new Stop(EXIT.usage, "--foreign goes with --on alone: the relay does not know these sessions.");
  if (foreign) return listForeign(context, on);
  const isWhole = all === true || query.state === "dead";
  const page = await client.sessions.list({ ...query, ...(!isWhole && { live: "true" }) });
  await out.page(page, "There are no such sessions", (items) => out.table(HEAD, items.map(rowOf)));
}

const HEAD = ["SESSION", "AGENT", "NAME", "LANE", "STATE", "QUEUED", "COST", "PROVIDER", "STARTED"];
const rowOf = ({ id, agentId, name, lane, queued, usage, provider, startedAt, ...session }: Session): string[] => [
  ...[id, agentId, name ?? "-", lane, stateText(session), String(queued), costText(usage)],
  ...[provider, timeText(startedAt)],
];

const stateText = ({ state, limitedUntil }: Pick<Session, "state" | "limitedUntil">): string =>
  state === "limited" && limitedUntil !== null ? `limited until ${timeText(limitedUntil)}` : state;

const costText = (usage: Session["usage"]): string => (usage ? `$${usage.costUsd.toFixed(2)}` : "-");

function sessionText({ links, lease, evidence, seen, place, usage, ...plain }: Session, out: Output): string {
  const said = { evidence, seen, place: place === "user" ? "user" : place };
  const more = Object.entries(said).flatMap(([name, value]) =>
    value == null ? [] : [[name, typeof value === "string" ? value : JSON.stringify(value)]],
  );
  const held = lease && {
    lease: `fence ${lease.fence}, until ${timeText(lease.expiresAt)}${lease.live ? "" : " (ran out)"}`,
  };
  const fields = fieldsText({ ...plain, ...Object.fromEntries(more), ...held, cost: costText(usage) }, out);
  if (links.length === 0) return fields;
  const rows = links.map(({ kind, ref, url, state, evidence: by }) => [kind, ref ?? "-", url ?? "-", state ?? "-", by]);
  return `${fields}\n\n${out.table(["LINK", "REF", "URL", "STATE", "KNOWN BY"], rows)}`;
}

function addLimits(program: CliCommand): void {
  const limits = program.sub("limits", "See and clear the limits that providers have set", GROUP);
  addWholeList(limits, "List the limits", {
    read: (client, query: QueryOf<typeof client.limits.list>) => client.limits.list(query),
    none: "No provider refuses anything",
    head: ["PROVIDER", "ACCOUNT", "WINDOW", "UNTIL", "USED", "TRIED BY", "SINCE"],
    row: ({ provider, account, type, until, utilization, rejected, probe, since }: Limit) => [
      ...[provider, account, rejected ? type : `${type} (a warning)`, timeText(until)],
      ...[utilization === null ? "-" : `${utilization} %`, probe?.sessionId ?? "-", timeText(since)],
    ],
  }).example("limits list");
  limits
    .sub("clear", "Clear a limit: its sessions go on at once")
    .argument("<provider>", "as limits list names it")
    .argument("<account>", "as limits list names it")
    .example("limits clear claude team")
    .act(async ({ client, out }, provider: string, account: string) => {
      await client.limits.clear(provider, account);
      await out.show({ provider, account }, () => `${safeLine(provider)} is tried again for ${safeLine(account)}`);
    });
}
