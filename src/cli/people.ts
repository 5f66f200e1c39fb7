import { InvalidArgumentError } from "commander";
import { PERSON_ROLES, type Person, type PersonDraft, type PersonRole, type QuietHours } from "../protocol/people.ts";
import { addWholeList, type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { collect } from "./options.ts";
import { fieldsText } from "./show.ts";

const GROUP = "People and approvals:";

/** The people who sit at `user`, and a token for a new one. */
export function addPeopleCommands(program: CliCommand): void {
  const people = program.sub("people", "Add, change and delete the people who sit at user", GROUP);
  const one = idCommands(people, { argument: "<person>", about: "the person's id", example: "ada" });
  addPut(people);
  addWholeList(people, "List the people", {
    read: (client, query: QueryOf<typeof client.people.list>) => client.people.list(query),
    none: "There are no people. Add one: signalbox invite ada --role member",
    head: ["PERSON", "NAME", "ROLE", "ASKED IN", "QUIET", "THEN"],
    row: ({ id, name, role, notify, quietHours, ladder }: Person) => [
      ...[id, name, role, notify.map(notifyText).join(", "), quietText(quietHours), ladder.join(", ")],
    ],
  }).example("people list");
  one("show", "Show a person", ({ people: verbs }, id) => verbs.get(id), personText);
  one(
    "remove",
    "Delete a person, and revoke their tokens",
    ({ people: verbs }, id) => verbs.delete(id).then(() => ({ removed: id })),
    (_, id) => `${id} is deleted, and their tokens are revoked`,
  ).alias("rm");
  addInvite(program);
}

const personText = ({ notify, quietHours, ladder, senders, ...rest }: Person, _: string, out: Context["out"]) =>
  fieldsText(
    {
      ...rest,
      notify: notify.map(notifyText).join(", "),
      quietHours: quietText(quietHours),
      ladder: ladder.join(", "),
      senders: senders.map(({ channelId, senderId }) => `${channelId}/${senderId}`).join(", "),
    },
    out,
  );

const notifyText = (place: Person["notify"][number]): string =>
  place === "push"
    ? place
    : [place.channelId, place.conversationId, ...(place.threadId ? [place.threadId] : [])].join("/");

const quietText = (hours: QuietHours | null): string => (hours ? `${hours.from}-${hours.to} ${hours.timezone}` : "");

interface PutOptions {
  name?: string;
  role?: PersonRole;
  notify?: PersonDraft["notify"];
  /** null would be taken for no value. */
  quiet?: QuietHours | "none";
  ladder?: string[];
  sender?: PersonDraft["senders"];
}

function addPut(people: CliCommand): void {
  withPlaces(
    people
      .sub("put", "Add or change a person")
      .argument("<person>", "the person's id")
      .option("--name <name>", "the person's name (default: as it was, else the id)")
      .choice("--role <role>", "what their tokens may do at most (default: as it was, else member)", PERSON_ROLES),
  )
    .example("people put ada --notify telegram:team/4711 --quiet 22:00-07:00@Europe/Berlin")
    .act(async ({ client, out }, id: string, options: PutOptions) => {
      const before = options.name && options.role ? undefined : await found(client, id);
      const name = options.name ?? before?.name ?? id;
      const role = options.role ?? before?.role ?? "member";
      const person = await client.people.put(id, { ...placesOf(options), name, role });
      await out.show(person, () => personText(person, id, out));
    });
}

/** The options of how a person is reached. */
const withPlaces = (command: CliCommand): CliCommand =>
  command
    .option("--notify <chat>", "a chat that asks them: channel/conversation[/thread], or push; repeatable", placesIn)
    .option("--quiet <hours>", "hours without questions: 22:00-07:00@Europe/Berlin, or none", quietIn)
    .option("--ladder <person>", "asked next, 15 min later; repeatable", collect)
    .option("--sender <sender>", "a chat account of theirs: channel/sender; repeatable", sendersIn);

const placesOf = ({ notify, quiet, ladder, sender }: PutOptions) => ({
  ...(notify && { notify }),
  ...(quiet !== undefined && { quietHours: quiet === "none" ? null : quiet }),
  ...(ladder && { ladder }),
  ...(sender && { senders: sender }),
});

async function found({ people }: Context["client"], id: string): Promise<Person | undefined> {
  const page = await people.list({ limit: 500 });
  return page.items.find((person) => person.id === id);
}

function addInvite(program: CliCommand): void {
  withPlaces(
    program
      .sub("invite", "Add a person, and make a token for them; it is shown this once", GROUP)
      .argument("<person>", "an id for the person, like ada")
      .option("--name <name>", "the person's name (default: the id)")
      .choice("--role <role>", "what they may do (default: member)", PERSON_ROLES),
  )
    .example("invite ada --role member")
    .act(async ({ client, out }, id: string, options: PutOptions) => {
      if (await found(client, id))
        throw new Stop(
          EXIT.usage,
          `${id} is there already. Make another token: signalbox tokens create --person ${id} --role member`,
        );
      const role = options.role ?? "member";
      const person = await client.people.put(id, { ...placesOf(options), name: options.name ?? id, role });
      const { token } = await client.tokens.create({ role, personId: id, name: person.name });
      await out.show({ ...person, token }, () =>
        [personText(person, id, out), out.paint("yellow", `Token, shown this once: ${token}`)].join("\n"),
      );
    });
}

/** `channel/conversation[/thread]` → a chat. */
function placesIn(text: string, before: NonNullable<PersonDraft["notify"]> = []): NonNullable<PersonDraft["notify"]> {
  if (text === "push") return [...before, text];
  const [channelId = "", conversationId = "", threadId, ...rest] = text.split("/");
  if (!channelId || !conversationId || rest.length > 0)
    throw new InvalidArgumentError("Expected channel/conversation, like telegram:team/4711.");
  return [...before, { channelId, conversationId, ...(threadId && { threadId }) }];
}

function sendersIn(
  text: string,
  before: NonNullable<PersonDraft["senders"]> = [],
): NonNullable<PersonDraft["senders"]> {
  const at = text.indexOf("/");
  if (at < 1 || at === text.length - 1)
    throw new InvalidArgumentError("Expected channel/sender, like telegram:team/4711.");
  return [...before, { channelId: text.slice(0, at), senderId: text.slice(at + 1) }];
}

function quietIn(text: string): QuietHours | "none" {
  if (text === "none") return text;
  const [, from, to, timezone = "UTC"] = /^(\d\d:\d\d)-(\d\d:\d\d)(?:@(\S+))?$/.exec(text) ?? [];
  if (from === undefined || to === undefined)
    throw new InvalidArgumentError("Expected hours like 22:00-07:00@Europe/Berlin, or none.");
  return { from, to, timezone };
}
