import type { Command } from "commander";
import { everyItem } from "../client/client.ts";
import type { OutsideAgent } from "../protocol/a2a.ts";
import { contextOf } from "./context.ts";
import { secretIn } from "./options.ts";
import { safeLine } from "./screen.ts";
import { fieldsText } from "./show.ts";

const LOOK_EVERY_MS = 200;
const LOOK_FOR_MS = 10_000;

/** Agents of other frameworks, over the A2A protocol. */
export function addA2ACommands(program: Command): void {
  const a2a = program
    .command("a2a")
    .description("Agents of other frameworks: let them in, and see how ours are reached")
    .helpGroup("Agents and tokens:");
  addPut(a2a);
  a2a
    .command("list")
    .description("List the agents out there, and whether they can be reached")
    .addHelpText("after", "\nExample:\n  $ signalbox a2a list")
    .action(async (_: object, command: Command) => {
      const { client, out } = contextOf(command);
      const items = await Array.fromAsync(everyItem((page) => client.a2a.list({ limit: 500, page })));
      await out.show({ items, nextPage: null }, () =>
        items.length ? out.table(HEAD, items.map(rowOf)) : "There are no agents out there",
      );
    });
  a2a
    .command("show")
    .description("Show one, and why it cannot be reached")
    .argument("<agent>", "what it is called here")
    .addHelpText("after", "\nExample:\n  $ signalbox a2a show weather")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const outside = await client.a2a.get(id);
      await out.show(outside, () => fieldsText(outside, out));
    });
  a2a
    .command("refresh")
    .description("Fetch its card now, and try what waits for it")
    .argument("<agent>", "what it is called here")
    .addHelpText("after", "\nExample:\n  $ signalbox a2a refresh weather")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const outside = await client.a2a.refresh(id);
      await out.show(outside, () => `The card of ${safeLine(id)} is being fetched; see: a2a show ${safeLine(id)}`);
    });
  addCard(a2a);
}

interface PutOptions {
  name?: string;
  tokenFile?: string;
}

function addPut(a2a: Command): void {
  a2a
    .command("put")
    .description("Let an agent out there in by its card: then it has an inbox here like anyone")
    .argument("<agent>", "what it is to be called here")
    .argument("<card-url>", "its card, or the address below which that is")
    .option("--name <name>", "its name (default: what it is called here)")
    .option("--token-file <file>", "the bearer token that it wants; it is stored sealed")
    .addHelpText(
      "after",
      "\nIt goes with: signalbox agents rm <agent>" +
        "\nExample:\n  $ signalbox a2a put weather https://agents.example.com/weather/ --token-file weather.token",
    )
    .action(async (id: string, cardUrl: string, { name, tokenFile }: PutOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const token = tokenFile === undefined ? undefined : secretIn(tokenFile);
      let outside = await client.a2a.put(id, { cardUrl, ...(name && { name }), ...(token && { token }) });
      // Its card is fetched right after that: it is worth a moment to say how that went.
      for (let ms = 0; outside.state === "pending" && outside.error === null && ms < LOOK_FOR_MS; ms += LOOK_EVERY_MS) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
        outside = await client.a2a.get(id);
      }
      await out.show(outside, () => fieldsText(outside, out));
    });
}

function addCard(a2a: Command): void {
  a2a
    .command("card")
    .description("Print the card of an agent that is here, or the relay's: what a client of A2A is given")
    .argument("[agent]", "the agent (default: the relay)")
    .addHelpText("after", "\nExample:\n  $ signalbox a2a card builder")
    .action(async (agentId: string | undefined, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const card = await client.a2a.card(agentId);
      await out.show(card, () => JSON.stringify(card, null, 2).split("\n").map(safeLine).join("\n"));
    });
}

const HEAD = ["AGENT", "STATE", "OPEN", "BINDING", "CARD", "ERROR"];
const rowOf = (one: OutsideAgent): string[] => [
  ...[one.agentId, one.state, String(one.open), one.binding ?? "", one.cardUrl, one.error ?? ""],
];
