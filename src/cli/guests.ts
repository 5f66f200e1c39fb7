import type { Channel, ChannelAccess } from "../protocol/channels.ts";
import type { Guest, GuestDraft } from "../protocol/guests.ts";
import type { AgentId } from "../protocol/ids.ts";
import type { CliCommand } from "./commands.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { fieldsText } from "./show.ts";

const ID = ["<channel>", "its id, provider:account"] as const;

/** Commands on the guests of a channel, and its access. */
export function addGuestCommands(channels: CliCommand): void {
  addAccess(channels);
  const guests = channels.sub("guests", "Chats and accounts that a listed channel hears");
  addList(guests);
  addAdd(guests);
  addRemove(guests);
}

/** How a channel stands to strangers, with the warning of an open one. */
export const accessText = ({ id, access }: Channel, out: Output): string =>
  [
    `${safeLine(id)} is ${access.mode === "open" ? "open: everyone is heard" : "listed: its guests alone are heard"}`,
    ...(access.warning === null ? [] : [out.paint("yellow", safeLine(access.warning))]),
  ].join("\n");

function addAccess(channels: CliCommand): void {
  channels
    .sub("access", "Let everyone into a channel, or its guests alone")
    .argument(...ID)
    .argument("[mode]", "open, or listed (default: show it)")
    .example("channel access telegram:support listed")
    .act(async ({ client, out }, id: string, mode: ChannelAccess | undefined) => {
      const channel = mode ? await client.channels.setAccess(id, mode) : await client.channels.get(id);
      await out.show(channel, () => accessText(channel, out));
    });
}

function addList(guests: CliCommand): void {
  guests
    .sub("list", "List the guests of a channel, oldest first")
    .argument(...ID)
    .paged()
    .example("channel guests list telegram:support")
    .act(async ({ client, out }, id: string, query: { limit?: number; page?: string }) => {
      const none = "It has no guests. Add one: signalbox channel guests add <channel> --sender <id>";
      await out.page(await client.channels.guests(id, query), none, (items) => out.table(HEAD, items.map(guestRow)));
    });
}

interface AddOptions {
  conversation?: string;
  sender?: string;
  approves?: boolean;
  person?: string;
  name?: string;
}

function addAdd(guests: CliCommand): void {
  guests
    .sub("add", "Let a chat, an account, or an account in a chat into a channel")
    .argument(...ID)
    .option("--conversation <id>", "this chat; without a sender everyone in it")
    .option("--sender <id>", "this account; without a chat in every one")
    .option("--approves", "it may answer approvals by button, and use all chat commands")
    .option("--person <id>", "the account is this person's")
    .option("--name <name>", "its name for lists")
    .example("channel guests add telegram:support --conversation -100123")
    .act(async ({ client, out }, id: AgentId, { conversation, sender, person, ...more }: AddOptions) => {
      const draft: GuestDraft = {
        ...more,
        ...(conversation !== undefined && { conversationId: conversation }),
        ...(sender !== undefined && { senderId: sender }),
        ...(person !== undefined && { personId: person }),
      };
      const guest = await client.channels.addGuest(id, draft);
      await out.show(guest, () => fieldsText(guest, out));
    });
}

function addRemove(guests: CliCommand): void {
  guests
    .sub("remove", "Remove a guest: from then on it is a stranger")
    .alias("rm")
    .argument(...ID)
    .argument("<guest>", "the guest's id, gst_…")
    .example("channel guests remove telegram:support gst_1a2b3c")
    .act(async ({ client, out }, id: AgentId, guestId: string) => {
      await client.channels.removeGuest(id, guestId);
      await out.show({ removed: guestId }, () => `${safeLine(guestId)} is removed`);
    });
}

const HEAD = ["GUEST", "CHAT", "ACCOUNT", "APPROVES", "PERSON", "NAME", "BY"];
const guestRow = ({ id, conversationId, senderId, approves, personId, name, origin }: Guest): string[] => [
  ...[id, conversationId ?? "every", senderId ?? "all", approves ? "yes" : "", personId ?? "", name ?? ""],
  origin === "paired" ? "a code" : "an operator",
];
