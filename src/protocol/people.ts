import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { at, contracts, gone, made, paged } from "./contract.ts";
import { Conversation, PlatformId } from "./posts.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import { line, listOf, PageQuery, Str, Time, TimeOrNull } from "./wire.ts";

/** Roles that a person may have, the weakest first. */
export const PERSON_ROLES = ["viewer", "member", "operator"] as const;
export const PersonRole = z.enum(PERSON_ROLES).register(NAMED, { id: "PersonRole" });
export type PersonRole = z.infer<typeof PersonRole>;

export const PersonId = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]*$/,
    "has to be a person's id: lower-case letters, digits, and . _ - after the first, like ada",
  )
  .max(64)
  .describe("Id of a person.");
export type PersonId = z.infer<typeof PersonId>;

const isZone = (zone: string): boolean => {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: zone }));
  } catch {
    return false;
  }
};

const ClockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "is not a time of day like 22:00");

/** Hours in which a person is asked nothing. `from` after `to` lies over midnight. */
export const QuietHours = strictObject(() => ({
  from: ClockTime,
  to: ClockTime,
  timezone: line(64).refine(isZone, "is not an IANA time zone like Europe/Berlin").default("UTC"),
}))
  .refine(({ from, to }) => from !== to, { path: ["to"], message: "is the same as from" })
  .register(NAMED, { id: "QuietHours" });
export type QuietHours = z.output<typeof QuietHours>;

const NotifyConversation = strictObject(() => ({
  channelId: AgentId,
  conversationId: PlatformId,
  threadId: PlatformId.optional(),
}));

/** A chat account that a person writes from. */
const Sender = strictObject(() => ({
  channelId: AgentId,
  senderId: PlatformId.describe("The platform's id of the sender, as events of the channel say it."),
}));
export type PersonSender = z.output<typeof Sender>;

/** `PUT /v1/people/{id}`. Members left out keep their value; of a new person they are empty. */
export const PersonDraft = strictObject(() => ({
  name: line(128),
  role: PersonRole,
  notify: z
    .array(z.union([z.literal("push"), NotifyConversation]))
    .max(8)
    .optional()
    .describe("Places that ask this person, the first that works: chats, and `push` for their devices."),
  quietHours: QuietHours.nullish(),
  ladder: z.array(PersonId).max(8).optional().describe("People to ask next, each 15 min after the one before."),
  senders: z
    .array(Sender)
    .max(16)
    .optional()
    .describe("Chat accounts of this person: what they press counts as theirs."),
}))
  .superRefine(({ ladder = [] }, ctx) => {
    if (new Set(ladder).size < ladder.length)
      ctx.addIssue({ code: "custom", path: ["ladder"], message: "names a person twice" });
  })
  .register(NAMED, { id: "PersonDraft" });
export type PersonDraft = z.input<typeof PersonDraft>;
export type ParsedPerson = z.output<typeof PersonDraft>;

export const Person = named("Person", "Someone who sits at `user`.", () => ({
  id: Str,
  name: Str,
  role: PersonRole,
  notify: z.array(z.union([z.literal("push"), Conversation])),
  quietHours: QuietHours.nullable(),
  ladder: z.array(Str),
  senders: z.array(object(() => ({ channelId: Str, senderId: Str }))),
  createdAt: Time,
  deletedAt: TimeOrNull,
}));
export type Person = z.infer<typeof Person>;
export const PersonList = listOf(Person).register(NAMED, { id: "PersonList" });

const Path = strictObject(() => ({ id: PersonId }));
export const PersonQuery = strictObject(() => ({ ...PageQuery, page: PersonId.optional() }));
const contract = contracts("People");

export const putPerson = contract("putPerson", "PUT /v1/people/{id}", {
  summary: "Add or change a person",
  description:
    "By an operator. A weaker role holds at once for every token of the person. What these set up and could not set up any more " +
    "(webhooks, schedules, push configurations) is paused.",
  params: Path,
  body: PersonDraft,
  example: { name: "Ada", role: "member" },
  repeatable: true,
  answers: made(Person, "Added.", "Changed."),
  problems: ["forbidden", "deleted", "conflict"],
});

export const listPeople = contract("listPeople", "GET /v1/people", {
  ...paged(PersonQuery, PersonList),
  summary: "List people, by id",
});

export const getPerson = contract("getPerson", "GET /v1/people/{id}", {
  ...at(Path, Person, "The person. A deleted one has a `deletedAt`."),
  summary: "Get a person",
});

export const deletePerson = contract("deletePerson", "DELETE /v1/people/{id}", {
  ...gone(Path),
  summary: "Delete a person and revoke their tokens",
  description: "The id stays taken: what the person did goes on naming them.",
  repeatable: true,
  problems: ["forbidden", "not-found"],
});
