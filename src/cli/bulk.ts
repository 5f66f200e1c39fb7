import { BULK_STATES, type Bulk, type BulkDraft } from "../protocol/bulk.ts";
import { addWholeList, type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { messageKind, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { fieldsText, timeText } from "./show.ts";

const LOOK_EVERY_MS = 500;

interface Common {
  all?: boolean;
  wait?: boolean;
}

/** One action on everything that a filter matches. */
export function addBulkCommands(program: CliCommand): void {
  const bulk = program.sub("bulk", "Act on everything that matches, in the background", "Work:");
  addWholeList(bulk, "List bulk actions, newest first", {
    read: (client, query: QueryOf<typeof client.bulk.list>) => client.bulk.list(query),
    none: "There are no bulk actions",
    head: ["BULK", "ACTION", "STATE", "MATCHED", "DONE", "FAILED", "SINCE"],
    row: ({ id, action, state, matched, done, failed, createdAt }: Bulk) => [
      ...[id, action, state, String(matched), String(done), String(failed), timeText(createdAt)],
    ],
  })
    .choice("--state <state>", "in this state", BULK_STATES)
    .example("bulk list --state running");
  const one = idCommands(bulk, { argument: "<bulk>", about: "its id, blk_…", example: "blk_1a2b3c" });
  one("show", "Show a bulk action, and how far it is", ({ bulk: verbs }, id) => verbs.get(id), bulkText);
  one(
    "stop",
    "End one before it is through; what was done stays done",
    ({ bulk: verbs }, id) => verbs.stop(id),
    (answer) => progressText(answer),
  );
  addWorkActions(bulk);
  addOtherActions(bulk);
}

function addWorkActions(bulk: CliCommand): void {
  const onWork = (name: "requeue" | "cancel", description: string) =>
    action(bulk, name, description, "[message...]", "these messages alone")
      .option("--target <target>", "for this target")
      .option("--topic <topic>", "of this topic")
      .option("--kind <kind>", "of this kind", messageKind)
      .option("--thread <id>", "in this thread", wholeNumber)
      .option("--from <agent>", "sent by this agent")
      .option("--before <id>", "messages before this one", wholeNumber)
      .option("--after <id>", "messages after this one", wholeNumber)
      .option("--project <project>", "in threads of this project")
      .option("--tag <tag>", "in threads with this tag")
      .option("--pr <pull request>", "in threads that link to it")
      .option("--error <text>", "whose last attempt ended in this error")
      .option("--same-as <id>", "of the same target and error as this dead letter", wholeNumber);
  onWork("requeue", "Open dead letters again")
    .example("bulk requeue --target tag:review --wait", "bulk requeue --same-as 17")
    .act(begin("requeue", numbers));
  onWork("cancel", "Cancel open work")
    .option("--held", "also work that somebody holds")
    .option("--dead", "dead letters alone")
    .example("bulk cancel --topic nightly")
    .act(
      begin("cancel", numbers, ({ held, dead }) => {
        if (dead === true) return { states: ["dead"] };
        return held === true ? { states: ["open", "delayed", "claimed"] } : undefined;
      }),
    );
}

function addOtherActions(bulk: CliCommand): void {
  action(bulk, "archive", "Archive threads", "[thread...]", "these threads alone")
    .option("--participant <agent>", "that this agent takes part in")
    .option("--project <project>", "of this project")
    .option("--tag <tag>", "with this tag")
    .option("--pr <pull request>", "that link to it")
    .option("--before <id>", "whose newest message came before this one", wholeNumber)
    .option("--after <id>", "whose newest message came after this one", wholeNumber)
    .example("bulk archive --before 5000")
    .act(begin("archive", numbers));
  action(bulk, "dismiss", "Dismiss announcements", "[announcement...]", "these announcements alone")
    .choice("--state <state>", "in this state", ["waiting", "sent", "blocked"])
    .option("--run <id>", "of this run")
    .option("--requester <requester>", "for this agent, run or chat")
    .example("bulk dismiss --state blocked")
    .act(begin("dismiss"));
  for (const decision of ["allow", "deny"] as const)
    action(bulk, decision, `Answer approvals with ${decision}`, "[approval...]", "these approvals alone")
      .option("--kind <kind>", "of this kind")
      .option("--agent <agent>", "asked for by this agent")
      .option("--run <id>", "asked for by this run")
      .option("--project <project>", "in this project")
      .option("--hash <hash>", "about this very subject")
      .example(`bulk ${decision} --run run_1a2b3c`)
      .act(begin("answer", (ids) => ids, undefined, decision));
}

const action = (bulk: CliCommand, name: string, description: string, argument: string, about: string): CliCommand =>
  bulk
    .sub(name, description)
    .argument(argument, about)
    .option("--all", "everything that there is: needed where nothing else is named")
    .option("--wait", "return when it is through");

const numbers = (ids: string[]): number[] => ids.map(wholeNumber);

/** The action of a command: its options are the filter. */
const begin =
  (
    name: BulkDraft["action"],
    idsOf: (ids: string[]) => unknown[] = (ids) => ids,
    more: (options: Record<string, unknown>) => object | undefined = () => undefined,
    decision?: "allow" | "deny",
  ) =>
  async (context: Context, ids: string[], options: Common & Record<string, unknown>): Promise<void> => {
    const { all, wait, held, dead, ...named } = options;
    if (ids.length === 0 && Object.keys(named).length === 0 && !all)
      throw new Stop(EXIT.usage, "Name what it is about, or say --all");
    const filter = { ...named, ...(ids.length > 0 && { ids: idsOf(ids) }), ...more({ held, dead }) };
    const draft = { action: name, filter, ...(decision && { decision }) } as BulkDraft;
    const begun = await context.client.bulk.create(draft);
    const shown = wait ? await ended(context, begun) : begun;
    await context.out.show(shown, () => progressText(shown));
  };

async function ended({ client }: Context, begun: Bulk): Promise<Bulk> {
  let now = begun;
  while (now.endedAt === null) {
    await Bun.sleep(LOOK_EVERY_MS);
    now = await client.bulk.get(now.id);
  }
  return now;
}

const progressText = ({ id, action: name, state, matched, done, failed }: Bulk): string =>
  `${id}: ${name} of ${matched}, ${done} done, ${failed} failed, ${state}`;

function bulkText({ failures, filter, ...rest }: Bulk, _: string, out: Output): string {
  const fields = fieldsText({ ...rest, filter: JSON.stringify(filter) }, out);
  const lines = failures.map(({ id, code, detail }) => `  ${safeLine(id)} ${code}: ${safeLine(detail)}`);
  return [fields, ...(lines.length > 0 ? ["The first that failed:", ...lines] : [])].join("\n");
}
