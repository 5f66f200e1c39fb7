import type { OutsideAgent } from "../protocol/a2a.ts";
import { addWholeList, type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import { secretIn } from "./options.ts";
import { safeLine } from "./screen.ts";
import { fieldsText } from "./show.ts";

const POLL_EVERY_MS = 200;
const POLL_FOR_MS = 10_000;

/** Agents of other frameworks, over the A2A protocol. */
export function addA2ACommands(program: CliCommand): void {
  const a2a = program
    .sub("a2a", "Agents of other frameworks: let them in, and see how ours are reached")
    .helpGroup("Agents and tokens:");
  const add = idCommands(a2a, { argument: "<agent>", about: "the agent's id on this relay", example: "weather" });
  addPut(a2a);
  addWholeList(a2a, "List the external agents, and whether they can be reached", {
    read: (client, query: QueryOf<typeof client.a2a.list>) => client.a2a.list(query),
    none: "There are no external agents",
    head: ["AGENT", "STATE", "OPEN", "BINDING", "CARD", "ERROR"],
    row: (one: OutsideAgent) => [
      ...[one.agentId, one.state, String(one.open), one.binding ?? "", one.cardUrl, one.error ?? ""],
    ],
  }).example("a2a list");
  add("show", "Show one, and why it cannot be reached", ({ a2a }, id) => a2a.get(id));
  add(
    "refresh",
    "Fetch an agent's card now, and try again what waits for the agent",
    ({ a2a }, id) => a2a.refresh(id),
    (_, id) => `The card of ${id} is being fetched; see: a2a show ${id}`,
  );
  addCard(a2a);
}

function addPut(a2a: CliCommand): void {
  a2a
    .sub("put", "Let an external agent in by its card: it gets an inbox like every agent")
    .argument("<agent>", "the agent's id on this relay")
    .argument("<card-url>", "its card, or the address below which the card is")
    .option("--name <name>", "its name (default: the id)")
    .option("--token-file <file>", "the bearer token that it asks for; the relay stores it encrypted")
    .addHelpText(
      "after",
      "\nDelete it with: signalbox agents rm <agent>" +
        "\nExample:\n  $ signalbox a2a put weather https://agents.example.com/weather/ --token-file weather.token",
    )
    .act(async ({ client, out }, id: string, cardUrl: string, flags: { name?: string; tokenFile?: string }) => {
      const { name, tokenFile } = flags;
      const token = tokenFile === undefined ? undefined : secretIn(tokenFile);
      let agent = await client.a2a.put(id, { cardUrl, ...(name && { name }), ...(token && { token }) });
      // The relay fetches the card right after the answer: wait a moment to show the result.
      for (let ms = 0; agent.state === "pending" && agent.error === null && ms < POLL_FOR_MS; ms += POLL_EVERY_MS) {
        await Bun.sleep(POLL_EVERY_MS);
        agent = await client.a2a.get(id);
      }
      await out.show(agent, () => fieldsText(agent, out));
    });
}

function addCard(a2a: CliCommand): void {
  a2a
    .sub("card", "Print the card that A2A clients get of an agent here, or of the relay")
    .argument("[agent]", "the agent (default: the relay)")
    .example("a2a card builder")
    .act(async ({ client, out }, agentId: string | undefined) => {
      const card = await client.a2a.card(agentId);
      await out.show(card, () => JSON.stringify(card, null, 2).split("\n").map(safeLine).join("\n"));
    });
}
