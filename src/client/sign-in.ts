import * as api from "../protocol/sign-in.ts";
import type { Caller } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on the sign-ins of browsers. */
export const signInVerbs = ({ ask }: Caller) => ({
  /** Creates a link that signs one browser in, once, within 10 minutes. Without a person and a role it is for the caller. */
  createLink: (body: api.SignInLinkDraft = {}, call?: Call): Promise<api.SignInLink> =>
    ask(api.createSignInLink, { body }, call),

  /** Signs this browser in by the code of a link; its cookie is sent with later calls. */
  signIn: (code: string, call?: Call): Promise<api.SignedIn> => ask(api.signIn, { body: { code } }, call),

  /** Ends the caller's sign-in, or with `everywhere` all of its person's. */
  signOut: (body: { everywhere?: boolean } = {}, call?: Call): Promise<api.SignedOut> =>
    ask(api.signOut, { body }, call),
});
