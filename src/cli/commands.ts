import { Command, Option } from "commander";
import { type Client, everyItem } from "../client/client.ts";
import type { List } from "../protocol/wire.ts";
import { type Context, contextOf } from "./context.ts";
import { wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { fieldsText } from "./show.ts";

/** Query of a verb of the client: its first parameter, or the one after an id. */
export type QueryOf<Verb extends (...given: never[]) => unknown, At extends 0 | 1 = 0> = NonNullable<
  Parameters<Verb>[At]
>;

/** A command that knows its context, its examples and pages. Its subcommands are of the same kind. */
export class CliCommand extends Command {
  override createCommand(name?: string): CliCommand {
    return new CliCommand(name);
  }

  /** Adds a subcommand, to a group of the help if one is named. */
  sub(name: string, description: string, helpGroup?: string): CliCommand {
    const added = this.command(name).description(description);
    return helpGroup === undefined ? added : added.helpGroup(helpGroup);
  }

  /** Adds an option that takes one of a few values. */
  choice(flags: string, description: string, choices: readonly string[]): this {
    return this.addOption(new Option(flags, description).choices(choices));
  }

  /** Adds examples to the help, each without the program's name. */
  example(...lines: string[]): this {
    const title = lines.length > 1 ? "Examples" : "Example";
    return this.addHelpText("after", `\n${title}:\n${lines.map((line) => `  $ signalbox ${line}`).join("\n")}`);
  }

  /** Adds the options of a list that is printed page by page. */
  paged(): this {
    return this.option("--limit <n>", "how many", wholeNumber).option(
      "--page <page>",
      "from where the last page ended",
    );
  }

  /** Sets the action, which gets the context before the arguments and the options. */
  act<Given extends unknown[]>(action: (context: Context, ...given: Given) => Promise<void>): this {
    return this.action((...given: unknown[]) => action(contextOf(this), ...(given as Given)));
  }
}

interface Id {
  /** Argument as the usage shows it. */
  argument?: string;
  about: string;
  example: string;
}

/**
 * Makes commands that take one id, call one verb and print its answer: by default as fields. `text` gets the id already safe for
 * a terminal.
 */
export const idCommands =
  (group: CliCommand, { argument = "<id>", about, example }: Id) =>
  <Answer extends object>(
    name: string,
    description: string,
    verb: (client: Client, id: string) => Promise<Answer>,
    text: (answer: Answer, id: string, out: Output) => string = (answer, _, out) => fieldsText(answer, out),
  ): CliCommand =>
    group
      .sub(name, description)
      .argument(argument, about)
      .example(`${group.name()} ${name} ${example}`)
      .act(async ({ client, out }, id: string) => {
        const answer = await verb(client, id);
        await out.show(answer, () => text(answer, safeLine(id), out));
      });

interface WholeList<Item, Query> {
  read(client: Client, query: Query & { limit: number; page?: string | undefined }): Promise<List<Item>>;
  head: string[];
  row(item: Item): string[];
  /** Text of an empty list; by default the head alone. */
  none?: string;
}

/** Adds the command `list` of a group whose lists are short enough to be printed whole. */
export function addWholeList<Item, Query extends object>(
  group: CliCommand,
  description: string,
  { read, head, row, none }: WholeList<Item, Query>,
): CliCommand {
  return group.sub("list", description).act(async ({ client, out }, query: Query) => {
    const items = await Array.fromAsync(everyItem((page) => read(client, { ...query, limit: 500, page })));
    await out.show({ items, nextPage: null }, () =>
      items.length === 0 && none !== undefined ? none : out.table(head, items.map(row)),
    );
  });
}
