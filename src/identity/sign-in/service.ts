import { randomBytes } from "node:crypto";
import type { Tx } from "../../kernel/db/database.ts";
import { PERSON_ROLES, type PersonRole } from "../../protocol/people.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ParsedSignInLink, SignedIn, SignedOut, SignInLink } from "../../protocol/sign-in.ts";
import { toTime } from "../../protocol/wire.ts";
import { type Caller, readsAll } from "../auth/caller.ts";
import { checkPerson } from "../auth/person.ts";
import type { AuthService } from "../auth/service.ts";
import { hashSecret } from "../auth/token.ts";
import type { Base } from "../base.ts";
import { createSignInStore, type LinkRow } from "./store.ts";

/** A link is used by the person who just asked for it. */
const LINK_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;

export type SignInService = ReturnType<typeof createSignInService>;

/** Signing browsers in and out. A sign-in is a token that works as a cookie alone. */
export function createSignInService({ kernel, activity, rows }: Base, auth: AuthService) {
  const { clock, db } = kernel;
  const store = createSignInStore();

  /** The role of a link. @throws Problem 403, 422 */
  async function roleOf(tx: Tx, caller: Caller, personId: string | null, asked: PersonRole | undefined) {
    const person = personId === null ? undefined : await rows.people.byId(tx, personId);
    if (personId === null && caller.role !== "operator")
      throw new Problem("forbidden", `A ${caller.role}'s token without a person makes no links: ask an operator.`);
    const role = asked ?? person?.role ?? "operator";
    if (rankOf(role) > rankOf(caller.role as PersonRole))
      throw new Problem("forbidden", `This token is a ${caller.role}'s: it makes no link for a ${role}.`);
    if (personId !== null) checkPerson(person, personId, role);
    return role;
  }

  async function add(tx: Tx, base: string, row: Omit<LinkRow, "hash" | "expiresAt">): Promise<SignInLink> {
    const code = randomBytes(32).toString("base64url");
    const now = clock.now();
    await store.deleteExpired(tx, now);
    const expiresAt = now + LINK_MS;
    await store.add(tx, { ...row, hash: hashSecret(code), expiresAt });
    return { url: `${base}/#code=${code}`, expiresAt: toTime(expiresAt) };
  }

  /** End of a sign-in by this link; undefined when its person or its maker may make none any more. */
  async function endOf(tx: Tx, { person, createdBy, role, hours }: LinkRow): Promise<number | undefined> {
    if (person !== null && (await rows.people.byId(tx, person))?.deletedAt !== null) return undefined;
    const asked = clock.now() + hours * HOUR_MS;
    if (createdBy === null) return asked;
    const maker = await auth.makerNow(tx, createdBy);
    const isWeaker = !maker || rankOf(role) > rankOf(maker.role as PersonRole);
    return isWeaker ? undefined : Math.min(asked, maker.until);
  }

  return {
    /** `POST /v1/sign-in-links`; `base` is the URL that the console is opened at. @throws Problem 403, 422 */
    async link(tx: Tx, caller: Caller, body: ParsedSignInLink, base: string): Promise<SignInLink> {
      if (!readsAll(caller)) throw new Problem("forbidden", "Only people sign in: operators, members and viewers.");
      await auth.requireLive(tx, caller);
      if (body.personId !== undefined && body.personId !== caller.personId && caller.role !== "operator")
        throw new Problem("forbidden", "Only an operator makes links for others. Leave personId out.");
      const person = body.personId ?? (body.role === undefined ? caller.personId : null);
      const role = await roleOf(tx, caller, person, body.role);
      await activity.record(tx, caller, "sign-in-link.created", person ?? role, { role, hours: body.hours });
      return add(tx, base, { role, person, hours: body.hours, createdBy: caller.tokenId });
    },

    /** A link for the operator who started the relay, who can read its token anyway. */
    linkOfRelay: (base: string): Promise<SignInLink> =>
      db.write((tx) => add(tx, base, { role: "operator", person: null, hours: 168, createdBy: null })),

    /** `POST /v1/sign-in`. @throws Problem 401 for a code that is unknown, was used, or has expired, as its maker may have */
    async signIn(tx: Tx, code: string, device: string): Promise<{ made: SignedIn; secret: string; seconds: number }> {
      const hash = hashSecret(code);
      const now = clock.now();
      const link = await store.byHash(tx, hash);
      const until = link && link.expiresAt > now ? await endOf(tx, link) : undefined;
      if (!link || until === undefined)
        throw new Problem(
          "unauthorized",
          "This link was used, is older than 10 minutes, or was made by a token that has ended. Make another: signalbox console",
        );
      await store.delete(tx, hash);
      const { role, person: personId, createdBy } = link;
      const { token, id } = await auth.signIn(tx, {
        ...{ role, person: personId, createdBy, name: device, expiresAt: until },
      });
      await activity.record(tx, { tokenId: id, personId }, "signed-in", id, { role, device });
      const made = { tokenId: id, role, personId, expiresAt: toTime(until) };
      return { made, secret: token, seconds: Math.ceil((until - now) / 1000) };
    },

    /** `POST /v1/sign-out`. A token that is no sign-in may end all of its person's. @throws Problem 403 */
    async signOut(tx: Tx, caller: Caller, everywhere: boolean): Promise<SignedOut> {
      if (!caller.signIn && !(everywhere && readsAll(caller)))
        throw new Problem("forbidden", "This call shows a token, which stays. With everywhere: true it ends sign-ins.");
      const ended = everywhere ? await auth.endSignIns(tx, caller.personId) : await auth.endSignIn(tx, caller.tokenId);
      for (const id of ended) await activity.record(tx, caller, "signed-out", id, {});
      return { ended, own: ended.includes(caller.tokenId) };
    },
  };
}

const rankOf = (role: PersonRole): number => PERSON_ROLES.indexOf(role);
