import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { AgentPath } from "./agents.ts";
import { Channel, ChannelAccess } from "./channels.ts";
import { at, contracts, gone, made } from "./contract.ts";
import { PersonId } from "./people.ts";
import { PlatformId } from "./posts.ts";
import { NAMED, named, strictObject } from "./shape.ts";
import { Bool, line, listOf, PageQuery, Str, StrOrNull, Time } from "./wire.ts";

/** `PUT /v1/channels/{id}/access`. */
export const AccessDraft = strictObject(() => ({ mode: ChannelAccess.default("listed") })).register(NAMED, {
  id: "AccessDraft",
});
export type AccessDraft = z.input<typeof AccessDraft>;

export const GuestId = line(64).describe("gst_...");

/** `POST /v1/channels/{id}/guests`: an upsert by conversation and sender. */
export const GuestDraft = strictObject(() => ({
  conversationId: PlatformId.optional().describe("This chat. Without a senderId everyone in it is let in."),
  senderId: PlatformId.optional().describe("This account, as events of the channel say it. Alone: in every chat."),
  approves: z
    .boolean()
    .default(false)
    .describe("The account may answer approvals by button and use all chat commands. Needs a senderId."),
  personId: PersonId.optional().describe("The account is this person's. Needs a senderId."),
  name: line(128).optional().describe("For lists."),
}))
  .superRefine(({ conversationId, senderId, approves, personId }, ctx) => {
    const issue = (path: string, message: string) => ctx.addIssue({ code: "custom", path: [path], message });
    if (conversationId === undefined && senderId === undefined)
      issue("conversationId", "is missing, and so is senderId: a guest is a chat, an account, or an account in a chat");
    if (senderId !== undefined) return;
    if (approves) issue("approves", "needs the senderId of the account that may approve");
    if (personId !== undefined) issue("personId", "needs the senderId of the account that is the person's");
  })
  .register(NAMED, { id: "GuestDraft" });
export type GuestDraft = z.input<typeof GuestDraft>;
export type ParsedGuest = z.output<typeof GuestDraft>;

export const Guest = named("Guest", "A chat, an account, or an account in a chat that a listed channel hears.", () => ({
  id: Str,
  channelId: Str,
  conversationId: StrOrNull,
  senderId: StrOrNull,
  approves: Bool,
  personId: StrOrNull,
  name: StrOrNull,
  origin: z.enum(["set", "paired"]).describe("Added by an operator, or by an approval of kind access."),
  createdAt: Time,
}));
export type Guest = z.infer<typeof Guest>;
export const GuestList = listOf(Guest).register(NAMED, { id: "GuestList" });
export const GuestQuery = strictObject(() => ({ ...PageQuery, page: GuestId.optional() }));
export type GuestQuery = z.input<typeof GuestQuery>;

const contract = contracts("Channels");
const GuestPath = strictObject(() => ({ id: AgentId, guestId: GuestId }));
const example: GuestDraft = { senderId: "77", approves: true, name: "Ann" };

export const setAccess = contract("setAccess", "PUT /v1/channels/{id}/access", {
  ...at(AgentPath, Channel, "The channel, with a warning where `open` is dangerous."),
  summary: "Let everyone into a channel, or its guests alone",
  description: "By an operator. It is decided for each event when it comes, and again when events are replayed.",
  body: AccessDraft,
  example: { mode: "listed" },
  bodyOptional: true,
  repeatable: true,
});

export const listGuests = contract("listGuests", "GET /v1/channels/{id}/guests", {
  ...at(AgentPath, GuestList, "A page, oldest first."),
  summary: "List the guests of a channel",
  description:
    "Beside these, a channel hears the chats that an operator has bound by their id, and the accounts of people who are operators or members.",
  query: GuestQuery,
});

export const addGuest = contract("addGuest", "POST /v1/channels/{id}/guests", {
  summary: "Add a guest to a channel, or change one",
  description: "By an operator. The same chat and account again is the same guest with what the body says.",
  params: AgentPath,
  body: GuestDraft,
  example,
  repeatable: true,
  answers: made(Guest, "Added.", "Changed."),
  problems: ["forbidden", "not-found", "conflict"],
});

export const removeGuest = contract("removeGuest", "DELETE /v1/channels/{id}/guests/{guestId}", {
  ...gone(GuestPath, "Removed: from now on it is a stranger."),
  summary: "Delete a guest of a channel",
});
