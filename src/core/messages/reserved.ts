import { PLAIN_KINDS } from "../../protocol/limits.ts";
import type { MessageKind } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";

/** Members that the relay alone puts into a message. */
const PAYLOAD = ["command", "run", "job", "announcement", "approval", "profile", "createTopic", "limit"];
const META = ["schedule"];
/** Buttons with such ids answer approvals, or are commands. */
const OWN_BUTTONS = ["apr_", "cmd_"];

/** The parts of a message that a caller chooses freely. */
export interface Attached {
  payload?: Record<string, unknown> | null | undefined;
  meta?: Record<string, unknown> | null | undefined;
}

/** @throws Problem 422 reserved-kind, reserved for kinds and members that only the relay writes */
export function requirePlain(draft: Attached & { kind?: MessageKind | undefined }): void {
  const { kind } = draft;
  if (kind !== undefined && !PLAIN_KINDS.some((plain) => plain === kind))
    throw new Problem("reserved-kind", `kind: the relay's verbs alone make ${kind} messages. Send chat or task.`, {
      errors: [{ pointer: "/kind", message: "has to be chat or task" }],
    });
  refuseReserved(draft);
}

/**
 * Refuses members and button ids that only the relay writes. `at` is where payload and meta stand in the request;
 * `more` names members that it writes into this payload, too. @throws Problem 422 reserved
 */
export function refuseReserved(attached: Attached, at = "", more: readonly string[] = []): void {
  const own = more.find((name) => attached.payload && Object.hasOwn(attached.payload, name));
  const place = own === undefined ? reservedPlace(attached) : `/payload/${own}`;
  if (place === undefined) return;
  const pointer = `${at}${place}`;
  throw new Problem("reserved", `${pointer}: the relay alone writes this. Use another name.`, {
    errors: [{ pointer, message: "is reserved for the relay" }],
  });
}

/** The JSON pointer of the first reserved member, or undefined. */
export function reservedPlace({ payload, meta }: Attached): string | undefined {
  for (const name of META) if (meta && Object.hasOwn(meta, name)) return `/meta/${name}`;
  if (!payload) return undefined;
  for (const name of PAYLOAD) if (Object.hasOwn(payload, name)) return `/payload/${name}`;
  const { delegation } = payload;
  if (typeof delegation === "object" && delegation !== null && Object.hasOwn(delegation, "runId"))
    return "/payload/delegation/runId";
  for (const name of ["button", "buttons", "edit"]) {
    const place = Object.hasOwn(payload, name) ? ownButton(payload[name], name) : undefined;
    if (place !== undefined) return `/payload${place}`;
  }
  return undefined;
}

/** Pointer of a button whose id is the relay's. Buttons come alone, in rows, and inside of `edit`. */
function ownButton(said: unknown, key: string): string | undefined {
  const stack: { value: unknown; path: string; key: string }[] = [{ value: said, path: `/${key}`, key }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, path, key: name } = next;
    if (typeof value === "string" && isId(name) && OWN_BUTTONS.some((prefix) => value.startsWith(prefix))) return path;
    if (typeof value !== "object" || value === null) continue;
    for (const [child, inside] of Object.entries(value))
      stack.push({ value: inside, path: `${path}/${escaped(child)}`, key: child });
  }
  return undefined;
}

/** Names under which a button's id stands; in a list it stands alone. */
const isId = (name: string): boolean => name === "id" || name === "button" || /^\d+$/.test(name);

const escaped = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");
