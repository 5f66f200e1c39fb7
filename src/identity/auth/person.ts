import { PERSON_ROLES, type PersonRole } from "../../protocol/people.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Role } from "../../protocol/tokens.ts";
import type { PersonRow } from "../people/row.ts";
import type { Principal } from "./caller.ts";
import type { TokenRow } from "./store.ts";

/** Identity and rights of a token. Those of a person go no further than the person's role. */
export function principalOf(row: TokenRow, person: PersonRow | undefined): Principal {
  const { id: tokenId, groups, prefix, source, person: personId, sessionId, signIn } = row;
  const role = person ? weakerOf(person.role, row.role) : row.role;
  const agentId = isAtUser(role) ? "user" : row.agentId;
  return { tokenId, role, agentId, groups, prefix, source, personId, sessionId, signIn };
}

const isAtUser = (role: Role): boolean => role === "operator" || role === "member";

const rankOf = (role: Role): number => PERSON_ROLES.indexOf(role as PersonRole);

/** Whether a person's token has fewer rights than before. */
export const isWeaker = (now: Pick<Principal, "role">, before: Pick<Principal, "role">): boolean =>
  rankOf(now.role) < rankOf(before.role);

/** Role that a person's token has: its own, or the person's where that is weaker. */
const weakerOf = (role: PersonRole, own: Role): Role => (rankOf(role) < rankOf(own) ? role : own);

/** @throws Problem 422 for an unknown person, and for a role beyond the person's */
export function checkPerson(person: PersonRow | undefined, id: string, role: Role): void {
  if (!person || person.deletedAt !== null)
    throw Problem.invalid("/personId", `there is no person ${id}. Add one first: PUT /v1/people/${id}`);
  if (weakerOf(person.role, role) !== role)
    throw Problem.invalid("/role", `${id} is a ${person.role}: a token of theirs cannot be stronger`);
}
