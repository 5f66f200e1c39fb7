import type { z } from "zod";
import type { Known } from "../../../kernel/http/sieve.ts";

/** Members of a JSON value that a schema reads. */
export function knownOf(schema: z.core.$ZodType): Known {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "optional":
    case "nullable":
    case "catch":
      return knownOf(def.innerType);
    case "pipe":
      return knownOf(def.in);
    case "array":
      return { each: knownOf(def.element) };
    case "record":
      return { any: knownOf(def.valueType) };
    case "object":
      return { members: new Map(Object.entries(def.shape).map(([name, member]) => [name, knownOf(member)])) };
    default:
      return true;
  }
}

/** Members that either reads. */
export function together(one: Known, other: Known): Known {
  if (one === true || other === true || !one.members || !other.members) return true;
  const members = new Map(one.members);
  for (const [name, known] of other.members) {
    const before = members.get(name);
    members.set(name, before === undefined ? known : together(before, known));
  }
  return { members };
}

/** The same, with a list of events in one of its members. */
export function withEvents(known: Known, name: string, event: Known): Known {
  const members = known === true ? undefined : known.members;
  return { members: new Map([...(members ?? []), [name, { events: event }]]) };
}

/** Values at some places, each given by the names that lead to it. */
export function knownAt(places: readonly (readonly string[])[]): Known {
  if (places.some((place) => place.length === 0)) return true;
  const below = Map.groupBy(places, ([first = ""]) => first);
  return { members: new Map([...below].map(([name, some]) => [name, knownAt(some.map((place) => place.slice(1)))])) };
}
