import { z } from "zod";
import { contracts } from "./contract.ts";
import { PersonId, PersonRole } from "./people.ts";
import { named, strictObject } from "./shape.ts";
import { Bool, Str, StrOrNull, Time } from "./wire.ts";

/** Hours that a sign-in lasts, at most a year. */
const Hours = z.int().min(1).max(8760).default(168).describe("How long the sign-in lasts.");

/** `POST /v1/sign-in-links`. Without a person and a role it is for the caller. */
export const SignInLinkDraft = strictObject(() => ({
  personId: PersonId.optional().describe("For whom. Operators alone may name another person."),
  role: PersonRole.optional().describe("Of the sign-in; the person's when left out."),
  hours: Hours,
}));
export type SignInLinkDraft = z.input<typeof SignInLinkDraft>;
export type ParsedSignInLink = z.output<typeof SignInLinkDraft>;

export const SignInLink = named("SignInLink", "A link that signs one browser in.", () => ({
  url: z.string().describe("Opens the console. Its code, in the fragment, works once."),
  expiresAt: Time,
}));
export type SignInLink = z.infer<typeof SignInLink>;

/** `POST /v1/sign-in`. */
export const SignInDraft = strictObject(() => ({
  code: z.string().max(200).describe("The part of a link after #code=."),
}));

export const SignedIn = named("SignedIn", "A browser's sign-in.", () => ({
  tokenId: Str,
  role: PersonRole,
  personId: StrOrNull,
  expiresAt: Time,
}));
export type SignedIn = z.infer<typeof SignedIn>;

const SignOutDraft = strictObject(() => ({
  everywhere: z.boolean().optional().describe("Ends all sign-ins of the same person, this one too."),
}));
const SignedOut = named("SignedOut", "Sign-ins that ended.", () => ({ ended: z.array(Str), own: Bool }));
export type SignedOut = z.infer<typeof SignedOut>;

const contract = contracts("Tokens");

export const createSignInLink = contract("createSignInLink", "POST /v1/sign-in-links", {
  summary: "Create a link that signs a browser in",
  description:
    "The code works once, within 10 minutes, while the token that made it does. A sign-in is listed with the tokens, and ends as " +
    "they do; one of a member or viewer also with the token that made its link.",
  body: SignInLinkDraft,
  bodyOptional: true,
  example: { personId: "ada", hours: 12 },
  answers: { 201: { description: "Made. The link is shown this once.", schema: SignInLink } },
  problems: ["forbidden"],
});

export const signIn = contract("signIn", "POST /v1/sign-in", {
  summary: "Sign a browser in by the code of a link",
  description:
    "Sets the cookie `__Host-signalbox` (`signalbox` over plain HTTP on loopback). Elsewhere it needs TLS. Calls by the cookie " +
    "that write need the header `Signalbox-Console: 1` and the relay's own Origin; sockets and streams need that Origin, too.",
  open: true,
  body: SignInDraft,
  example: { code: "kq0Zb1f7Cw6lQ0H2m0b5dGJk1b8B2h9yq3xq1s0wq8E" },
  answers: { 201: { description: "Signed in.", schema: SignedIn } },
  problems: ["unauthorized", "forbidden"],
});

export const signOut = contract("signOut", "POST /v1/sign-out", {
  summary: "Sign this browser out, or all of a person's",
  body: SignOutDraft,
  bodyOptional: true,
  example: { everywhere: true },
  repeatable: true,
  answers: { 200: { description: "Signed out; the cookie is cleared.", schema: SignedOut } },
  problems: ["forbidden"],
});
