import type { Client } from "../client/client.ts";
import { RUN_STATUS, type Run } from "../protocol/runs.ts";
import type { CliCommand, QueryOf } from "./commands.ts";
import { idCommands } from "./commands.ts";
import { textOrStdin, wholeNumber } from "./options.ts";
import { diffLine, runText, statusOf, tokensOf, treeText } from "./run-text.ts";
import { addRunStart, addRunWatch } from "./run-watch.ts";
import { safeLine, safeText } from "./screen.ts";
import { ENCRYPTED, timeText } from "./show.ts";

const GROUP = "Work:";

export function addRunsCommands(program: CliCommand): void {
  const group = program.sub("runs", "See agents at work, start, steer and stop them", GROUP);
  addList(group);
  const one = idCommands(group, { about: "the run", example: "run_0mf3k2j1a7x2c9q4b0d8" });
  one(
    "show",
    "Show a run, and its result",
    (client, id) => client.runs.get(id),
    (run, _, out) => runText(run, out),
  );
  one(
    "tree",
    "Show a run with the runs below it",
    (client, id) => client.runs.tree(id),
    (tree, _, out) => treeText(tree, out),
  );
  one(
    "prompt",
    "Print the text that tells a run its role and rules",
    (client, id) => client.runs.prompt(id),
    ({ text }) => safeText(text),
  );
  one(
    "diff",
    "List the files that a run changed",
    (client, id) => client.runs.diff(id),
    ({ files, added, removed }, _, out) =>
      [...files.map((file) => diffLine(file, out)), `${files.length} files, +${added} -${removed}`].join("\n"),
  );
  addRunStart(group);
  addRunWatch(group);
  addTell(group);
  addAbort(group);
}

type ListOptions = QueryOf<Client["runs"]["list"]>;

function addList(group: CliCommand): void {
  group
    .sub("list", "List runs, newest first")
    .paged()
    .option("--agent <agent>", "of this agent")
    .choice("--status <status>", "with this status", RUN_STATUS)
    .option("--parent <run>", "part of this run")
    .option("--requester <who>", "whose result goes to this agent, run, or channelId/conversationId of a chat")
    .option("--session-key <key>", "of this dialogue")
    .option("--session-id <session>", "in this session, ses_…")
    .option("--message <id>", "that work on this message", wholeNumber)
    .option("--thread <id>", "in this thread", wholeNumber)
    .option("--project <project>", "about this project")
    .option("--tag <tag>", "with this tag")
    .option("--pr <pull>", "with this pull request: its address, owner/name#7, or 7")
    .option("--q <text>", "with this text in its label or its task")
    .option("--person <person>", "asked for by this person")
    .example("runs list --agent builder --status running")
    .act(async ({ client, out }, query: ListOptions) => {
      const page = await client.runs.list(query);
      await out.page(page, "No such run", (items) => out.table(HEAD, items.map(rowOf)));
    });
}

const HEAD = ["ID", "AGENT", "STATUS", "STARTED", "TOKENS", "TASK"];
const rowOf = (run: Run): string[] => [
  ...[run.id, run.agentId, statusOf(run), timeText(run.createdAt), tokensOf(run.usage)],
  run.label ?? (run.encoding === "opaque" ? ENCRYPTED : run.task),
];

const MODES = {
  steered: "The running turn hears it",
  queued: "It waits for the end of the turn",
  started: "It is a new turn, which waits for its agent",
};

function addTell(group: CliCommand): void {
  group
    .sub("tell", "Say something to a run: steer it, or go on with one that has ended")
    .argument("<id>", "the run")
    .argument("[text]", "the text; - or nothing reads stdin")
    .example('runs tell run_0mf3k2j1a7x2c9q4b0d8 "Look at the tests as well."')
    .act(async ({ client, out }, id: string, given: string | undefined) => {
      const told = await client.runs.tell(id, { text: await textOrStdin(given) });
      await out.show(told, () => MODES[told.mode]);
    });
}

function addAbort(group: CliCommand): void {
  group
    .sub("abort", "Ask a run to stop, with the runs that it asked for")
    .argument("<id>", "the run")
    .option("--reason <text>", "the reason")
    .option("--alone", "not the runs that it asked for")
    .example('runs abort run_0mf3k2j1a7x2c9q4b0d8 --reason "No longer needed."')
    .act(async ({ client, out }, id: string, { reason, alone }: { reason?: string; alone?: boolean }) => {
      const done = await client.runs.abort(id, { reason, cascade: !alone });
      const lines = [{ id, status: done.status }, ...done.children];
      await out.show(done, () => lines.map((one) => `${safeLine(one.id)}: ${one.status}`).join("\n"));
    });
}
