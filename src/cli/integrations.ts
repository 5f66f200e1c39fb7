import { type Command, InvalidArgumentError, Option } from "commander";
import { everyItem } from "../client/client.ts";
import {
  type Integration,
  type IntegrationDraft,
  MAPPINGS,
  type Mapping,
  VERIFICATIONS,
  type Verification,
} from "../protocol/integrations.ts";
import { SEVERITIES, type Severity } from "../protocol/tasks.ts";
import { contextOf } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { jsonValue, secretIn, textOrStdin } from "./options.ts";
import { safeLine } from "./screen.ts";
import { fieldsText } from "./show.ts";
import { taskText } from "./tasks.ts";

/** Sources of events, which become tasks. */
export function addIntegrationCommands(program: Command): void {
  const integrations = program
    .command("integration")
    .description("Make and look after sources of events: alerts, CI, error trackers")
    .helpGroup("Work:");
  addPut(integrations);
  addList(integrations);
  integrations
    .command("show")
    .description("Show one, without its secret")
    .argument("<source>", "its name")
    .addHelpText("after", "\nExample:\n  $ signalbox integration show github")
    .action(async (source: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const found = await client.integrations.get(source);
      await out.show(found, () => fieldsText(found, out));
    });
  integrations
    .command("remove")
    .alias("rm")
    .description("Remove one; its tasks stay")
    .argument("<source>", "its name")
    .addHelpText("after", "\nExample:\n  $ signalbox integration remove github")
    .action(async (source: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      await client.integrations.delete(source);
      await out.show({ removed: source }, () => `${safeLine(source)} is removed`);
    });
  addPost(integrations);
}

interface PutOptions {
  target?: string;
  topic?: string;
  severity?: Severity;
  mapping?: Mapping;
  paths?: Record<string, unknown>;
  verify?: Verification;
  secretFile?: string;
  rotate?: boolean;
}

function addPut(integrations: Command): void {
  integrations
    .command("put")
    .description("Make or change one, the whole of it; a new secret is shown this once")
    .argument("<source>", "its name")
    .option("--target <target>", "who gets its tasks: an agent or a group")
    .option("--topic <topic>", "of its tasks")
    .addOption(new Option("--severity <severity>", "of events that name none").choices(SEVERITIES))
    .addOption(new Option("--mapping <mapping>", "whose bodies it posts (default: generic)").choices(MAPPINGS))
    .option("--paths <json>", "with mapping paths: where in a body is what", jsonValue)
    .addOption(
      new Option("--verify <how>", "how its events are signed (default: as its platform does)").choices(VERIFICATIONS),
    )
    .option("--secret-file <file>", "the secret that the source made, as Sentry does")
    .option("--rotate", "make a new secret")
    .addHelpText("after", "\nExample:\n  $ signalbox integration put github --mapping github --target tag:review")
    .action(async (source: string, { secretFile, paths, ...options }: PutOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const secret = secretFile === undefined ? undefined : secretIn(secretFile);
      // What it has to be is the relay's to say.
      const draft: IntegrationDraft = { ...options, secret, paths: paths as IntegrationDraft["paths"] };
      const saved = await client.integrations.put(source, draft);
      const warning = saved.secret ? `\n${out.paint("yellow", "The secret is shown this once.")}` : "";
      await out.show(saved, () => fieldsText(saved, out) + warning);
      if (saved.secret && saved.verify === "sentry")
        out.note("Sentry signs with the secret that it made: say that one with --secret-file");
    });
}

function addList(integrations: Command): void {
  integrations
    .command("list")
    .description("List them")
    .addHelpText("after", "\nExample:\n  $ signalbox integration list")
    .action(async (_: object, command: Command) => {
      const { client, out } = contextOf(command);
      const items: Integration[] = [];
      for await (const one of everyItem((page) => client.integrations.list({ limit: 500, page }))) items.push(one);
      await out.show({ items }, () => (items.length ? out.table(HEAD, items.map(rowOf)) : "There are no integrations"));
    });
}

function addPost(integrations: Command): void {
  integrations
    .command("post")
    .description("Report an event in its name, by an operator's token or its own")
    .argument("<source>", "its name")
    .argument("[event]", "the event, a JSON object; - or nothing reads stdin")
    .option("--key <key>", "idempotency key: with the same one it is reported once")
    .addHelpText(
      "after",
      `\nExample:\n  $ signalbox integration post ci '{"title": "Nightly failed", "dedupeKey": "nightly"}'`,
    )
    .action(async (source: string, given: string | undefined, { key }: { key?: string }, command: Command) => {
      const { client, out } = contextOf(command);
      const result = await client.integrations.post(source, eventOf(await textOrStdin(given)), { idempotencyKey: key });
      const tasks = result.tasks.flatMap(({ task }) => task ?? []);
      if (result.skipped > 0)
        out.note(`${result.skipped} events were left out: a delivery may hold 1,000 and 1 MiB of them`);
      await out.show(result, () => tasks.map((task) => taskText(task, out)).join("\n") || "Nothing to do about that");
    });
}

function eventOf(text: string): Record<string, unknown> {
  try {
    return jsonValue(text);
  } catch (error) {
    throw error instanceof InvalidArgumentError ? new Stop(EXIT.usage, `The event: ${error.message}`) : error;
  }
}

const HEAD = ["SOURCE", "MAPPING", "VERIFY", "TARGET", "TOPIC", "SEVERITY"];
const rowOf = ({ source, mapping, verify, target, topic, severity }: Integration): string[] => [
  ...[source, mapping, verify, target ?? "-", topic ?? "-", severity ?? "info"],
];
