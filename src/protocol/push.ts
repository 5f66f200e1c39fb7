import { z } from "zod";
import { contracts, gone, made } from "./contract.ts";
import { NAMED, named, strictObject } from "./shape.ts";
import { Bool, line, listOf, Str, Time, TimeOrNull } from "./wire.ts";

const PushId = z.string().regex(/^psh_[a-z0-9]{1,40}$/, "has to be the id of a push subscription, like psh_7k2m");

/** A value of so many bytes, as browsers write it. */
const bytes = (about: string, characters: number) =>
  z
    .string()
    .regex(new RegExp(`^[A-Za-z0-9_-]{${characters}}={0,2}$`), `has to be ${about}, in base64url`)
    .describe(`${about}, in base64url.`);

/** Name of a device: sockets of its pages say the same (`focus` of `GET /v1/watch`). */
const Device = line(128).describe("The device, as pages on it name it in `focus` frames of `/v1/watch`.");

/** `POST /v1/push/subscriptions`: a browser's `PushSubscription` as JSON, and its device. */
export const PushDraft = strictObject(() => ({
  endpoint: z.string().min(1).max(2048).describe("Address of the browser's push service: https, and public."),
  keys: strictObject(() => ({
    p256dh: bytes("the browser's public key, 65 bytes", 87),
    auth: bytes("the browser's secret, 16 bytes", 22),
  })),
  expirationTime: z.number().nullish().describe("Of the browser's subscription; not used."),
  device: Device,
  previews: z.boolean().default(false).describe("Sends titles and beginnings of texts along, too."),
})).register(NAMED, { id: "PushDraft" });
export type PushDraft = z.input<typeof PushDraft>;
export type ParsedPushDraft = z.output<typeof PushDraft>;

export const PushSubscription = named("PushSubscription", "A browser that is told by push.", () => ({
  id: Str,
  device: Str,
  previews: Bool,
  service: Str.describe("Host of its push service."),
  own: Bool.describe("Made by this very sign-in or token."),
  failingSince: TimeOrNull.describe("Time from which on its push service took nothing."),
  lastSentAt: TimeOrNull,
  createdAt: Time,
}));
export type PushSubscription = z.infer<typeof PushSubscription>;
export const PushSubscriptionList = listOf(PushSubscription).register(NAMED, { id: "PushSubscriptionList" });

const PushKey = named("PushKey", "Key that browsers subscribe with.", () => ({
  key: Str.describe("`applicationServerKey`: 65 bytes, in base64url."),
}));
export type PushKey = z.infer<typeof PushKey>;

/** Subjects of pushes. */
export const PUSH_KINDS = ["approval", "message", "run", "blocked", "handed"] as const;
export type PushKind = (typeof PUSH_KINDS)[number];

/** Content of a push, as the console's worker decrypts it. */
export interface PushPayload {
  kind: PushKind;
  /** Agent that it is about; null for none. */
  agent: string | null;
  /** Page of the console that shows it: `/approvals/apr_7k2m`. */
  path: string;
  /** A later push with the same tag takes its place. */
  tag: string;
  /** Title or beginning of the text, on devices with previews. */
  text?: string;
  /** Tags of earlier pushes that are over. */
  closed?: string[];
}

const contract = contracts("People");

export const getPushKey = contract("getPushKey", "GET /v1/push/key", {
  summary: "Get the key that browsers subscribe with",
  answers: { 200: { description: "The key (VAPID, RFC 8292). It stays the same.", schema: PushKey } },
  problems: ["forbidden"],
});

export const createPushSubscription = contract("createPushSubscription", "POST /v1/push/subscriptions", {
  summary: "Add this browser to those that are told by push",
  description:
    "For people's tokens and sign-ins; it ends with the one that made it. A person's `notify` has to contain `push`. The same " +
    "endpoint, or the same device of a person, is changed.",
  body: PushDraft,
  example: {
    endpoint: "https://push.example.org/send/4yd7",
    keys: {
      p256dh: "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
      auth: "tBHItJI5svbpez7KI4CCXg",
    },
    device: "Ada's phone",
  },
  repeatable: true,
  answers: made(PushSubscription, "Added.", "Changed."),
  problems: ["forbidden", "conflict"],
});

export const listPushSubscriptions = contract("listPushSubscriptions", "GET /v1/push/subscriptions", {
  summary: "List the caller's own devices, newest first",
  answers: { 200: { description: "All of them.", schema: PushSubscriptionList } },
  problems: ["forbidden"],
});

export const deletePushSubscription = contract("deletePushSubscription", "DELETE /v1/push/subscriptions/{id}", {
  ...gone(strictObject(() => ({ id: PushId }))),
  summary: "Delete one of the caller's devices: it is told nothing more",
  repeatable: true,
});
