import { InvalidArgumentError } from "commander";
import { type Integration, type IntegrationDraft, MAPPINGS, VERIFICATIONS } from "../protocol/integrations.ts";
import { SEVERITIES } from "../protocol/tasks.ts";
import { addWholeList, type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import { EXIT, Stop } from "./exit.ts";
import { jsonValue, secretIn, textOrStdin } from "./options.ts";
import { secretText } from "./show.ts";
import { taskText } from "./tasks.ts";

/** Sources of events, which become tasks. */
export function addIntegrationCommands(program: CliCommand): void {
  const integrations = program.sub("integration", "Manage sources of events: alerts, CI, error trackers", "Work:");
  const add = idCommands(integrations, { argument: "<source>", about: "its name", example: "github" });
  addPut(integrations);
  addList(integrations);
  add("show", "Show an integration without its secret", ({ integrations }, source) => integrations.get(source));
  add(
    "remove",
    "Delete an integration; its tasks stay",
    ({ integrations }, source) => integrations.delete(source).then(() => ({ removed: source })),
    (_, source) => `${source} is removed`,
  ).alias("rm");
  addPost(integrations);
}

type PutOptions = IntegrationDraft & { secretFile?: string };

function addPut(integrations: CliCommand): void {
  integrations
    .sub("put", "Make or replace an integration; a new secret is shown this once")
    .argument("<source>", "its name")
    .option("--target <target>", "the agent or group that gets its tasks")
    .option("--topic <topic>", "the topic of its tasks")
    .choice("--severity <severity>", "the severity of events that name none", SEVERITIES)
    .choice("--mapping <mapping>", "the format of its events (default: generic)", MAPPINGS)
    .option("--paths <json>", "for --mapping paths: the path of each field in an event", jsonValue)
    .choice("--verify <how>", "the signature of its events (default: its platform's)", VERIFICATIONS)
    .option("--secret-file <file>", "a file with the secret that the source made, as Sentry does")
    .option("--rotate", "make a new secret")
    .example("integration put github --mapping github --target tag:review")
    .act(async ({ client, out }, source: string, { secretFile, ...draft }: PutOptions) => {
      const secret = secretFile === undefined ? undefined : secretIn(secretFile);
      const saved = await client.integrations.put(source, { ...draft, secret });
      await out.show(saved, () => secretText(saved, out));
      if (saved.secret && saved.verify === "sentry")
        out.note("Sentry signs with the secret that it made: give that one with --secret-file");
    });
}

function addList(integrations: CliCommand): void {
  addWholeList(integrations, "List the integrations", {
    read: (client, query: QueryOf<typeof client.integrations.list>) => client.integrations.list(query),
    none: "There are no integrations",
    head: ["SOURCE", "MAPPING", "VERIFY", "TARGET", "TOPIC", "SEVERITY"],
    row: ({ source, mapping, verify, target, topic, severity }: Integration) => [
      ...[source, mapping, verify, target ?? "-", topic ?? "-", severity ?? "info"],
    ],
  }).example("integration list");
}

function addPost(integrations: CliCommand): void {
  integrations
    .sub("post", "Report an event of an integration, with its token or an operator's")
    .argument("<source>", "its name")
    .argument("[event]", "the event, a JSON object; - or nothing reads stdin")
    .option("--key <key>", "idempotency key: the same key reports one event")
    .example(`integration post ci '{"title": "Nightly failed", "dedupeKey": "nightly"}'`)
    .act(async ({ client, out }, source: string, given: string | undefined, { key }: { key?: string }) => {
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
