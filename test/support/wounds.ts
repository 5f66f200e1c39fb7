import fc from "fast-check";
import type { Route } from "../../src/identity/auth/route.ts";
import type { Example } from "./examples.ts";
import { bytes, header, json, jsonText, near, text, urlPiece } from "./garbage.ts";
import { WHO, type World } from "./world.ts";

/** One thing that is done to a sound request. Numbers choose among the places there are. */
export type Wound =
  | { at: "who"; who: (typeof WHO)[number] }
  | { at: "path"; piece: string }
  | { at: "query"; nth: number; piece: string }
  | { at: "more query"; name: string; piece: string }
  | { at: "query twice"; nth: number; piece: string }
  | { at: "header"; header: [string, string] }
  | { at: "body"; nth: number; value: unknown }
  | { at: "near"; nth: number; pick: number }
  | { at: "no member"; nth: number }
  | { at: "more members"; nth: number; key: string; value: unknown }
  | { at: "whole body"; value: unknown }
  | { at: "cut"; nth: number }
  | { at: "bytes"; nth: number; bytes: Uint8Array }
  | { at: "only bytes"; bytes: Uint8Array };

const nth = fc.nat(1000);
const key = fc.oneof(text, fc.constantFrom("__proto__", "constructor", "id", "via", "state", "claim", "polluted"));

const anywhere: fc.WeightedArbitrary<Wound>[] = [
  { weight: 1, arbitrary: fc.record({ at: fc.constant("who" as const), who: fc.constantFrom(...WHO) }) },
  { weight: 1, arbitrary: fc.record({ at: fc.constant("more query" as const), name: urlPiece, piece: urlPiece }) },
  { weight: 3, arbitrary: fc.record({ at: fc.constant("header" as const), header }) },
];
const inPath: fc.WeightedArbitrary<Wound>[] = [
  { weight: 2, arbitrary: fc.record({ at: fc.constant("path" as const), piece: urlPiece }) },
];
const inQuery: fc.WeightedArbitrary<Wound>[] = [
  { weight: 6, arbitrary: fc.record({ at: fc.constant("query" as const), nth, piece: urlPiece }) },
  { weight: 1, arbitrary: fc.record({ at: fc.constant("query twice" as const), nth, piece: urlPiece }) },
];
export const inBody: fc.WeightedArbitrary<Wound>[] = [
  { weight: 12, arbitrary: fc.record({ at: fc.constant("body" as const), nth, value: json }) },
  { weight: 8, arbitrary: fc.record({ at: fc.constant("near" as const), nth, pick: nth }) },
  { weight: 2, arbitrary: fc.record({ at: fc.constant("no member" as const), nth }) },
  { weight: 3, arbitrary: fc.record({ at: fc.constant("more members" as const), nth, key, value: json }) },
  { weight: 2, arbitrary: fc.record({ at: fc.constant("whole body" as const), value: json }) },
  { weight: 1, arbitrary: fc.record({ at: fc.constant("cut" as const), nth }) },
  { weight: 1, arbitrary: fc.record({ at: fc.constant("bytes" as const), nth, bytes }) },
  { weight: 1, arbitrary: fc.record({ at: fc.constant("only bytes" as const), bytes }) },
];

/** Faults that a request for this route can have. */
export const woundOf = ({ params, query, body }: Route): fc.Arbitrary<Wound> =>
  fc.oneof(...anywhere, ...(params ? inPath : []), ...(query ? inQuery : []), ...(body ? inBody : []));

/** The example with its wound, as a request. */
export function wounded(route: Route, example: Example, wound: Wound, world: World, signal: AbortSignal): Request {
  const headers = new Headers(example.headers);
  const token = world.tokens[wound.at === "who" ? wound.who : example.who];
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  const body = bodyOf(example, wound);
  if (body !== undefined) headers.set("content-type", "application/json");
  if (wound.at === "header") headers.set(...wound.header);
  const init: RequestInit = { method: route.method, headers, signal };
  // The Fetch standard lets no GET have a body; test/edges/http/garbage-wire.test.ts sends one.
  if (body !== undefined && route.method !== "GET") init.body = body;
  return new Request(`http://localhost${pathOf(route, example, wound)}${queryOf(example, wound)}`, init);
}

function pathOf(route: Route, { path = {} }: Example, wound: Wound): string {
  return route.path.replaceAll(/\{(\w+)\}/g, (_, name) =>
    wound.at === "path" ? wound.piece : encodeURIComponent(path[name] ?? ""),
  );
}

function queryOf({ query = {} }: Example, wound: Wound): string {
  const given = Object.entries(query).map(([name, value]) => [encodeURIComponent(name), encodeURIComponent(value)]);
  const chosen = given[("nth" in wound ? wound.nth : 0) % Math.max(1, given.length)];
  if (wound.at === "query" && chosen) chosen[1] = wound.piece;
  if (wound.at === "query twice" && chosen) given.push([chosen[0] ?? "", wound.piece]);
  if (wound.at === "more query") given.push([wound.name, wound.piece]);
  return given.length ? `?${given.map((pair) => pair.join("=")).join("&")}` : "";
}

/** The JSON text of the example's body, or what is left of it. */
export function bodyOf({ body }: Example, wound: Wound): string | Uint8Array<ArrayBuffer> | undefined {
  if (wound.at === "whole body") return jsonText(wound.value);
  if (wound.at === "only bytes") return Uint8Array.from(wound.bytes);
  if (body === undefined) return undefined;
  const copy = { root: structuredClone(body) };
  const places = placesOf(copy);
  const place = "nth" in wound ? places[wound.nth % places.length] : undefined;
  if (place) injure(place, wound);
  const whole = jsonText(copy.root);
  if (wound.at === "cut") return whole.slice(0, wound.nth % whole.length);
  if (wound.at !== "bytes") return whole;
  const at = wound.nth % whole.length;
  return Buffer.concat([Buffer.from(whole.slice(0, at)), wound.bytes, Buffer.from(whole.slice(at))]);
}

const choose = <T>(list: readonly T[], pick: number): T | undefined => list[pick % list.length];

/** Steps through lists of values. It has no factor in common with the length of any, so each value gets its turn. */
const STEP = 7;

/**
 * Wounds to every member of a JSON value, at any depth: for each member up to `each` values that are near to its own. Members take turns
 * at the values, also those of different bodies.
 */
export function createNearWounds(each: number): (body: unknown) => Wound[] {
  let turn = 0;
  return (body) =>
    placesOf({ root: body }).flatMap(({ holder, key }, nth) => {
      const { length } = near(holder[key]);
      return Array.from(
        { length: Math.min(each, length) },
        (): Wound => ({ at: "near", nth, pick: (turn++ * STEP) % length }),
      );
    });
}

interface Place {
  holder: Record<string, unknown>;
  key: string;
}

/** Every member of a JSON value, at any depth. */
function placesOf(holder: object): Place[] {
  return Object.entries(holder).flatMap(([key, value]) => [
    { holder: holder as Record<string, unknown>, key },
    ...(typeof value === "object" && value !== null ? placesOf(value) : []),
  ]);
}

function injure({ holder, key }: Place, wound: Wound): void {
  if (wound.at === "body") holder[key] = wound.value;
  if (wound.at === "near") holder[key] = choose(near(holder[key]), wound.pick);
  if (wound.at === "no member") delete holder[key];
  // defineProperty, so that __proto__ becomes a member like any other.
  if (wound.at === "more members")
    Object.defineProperty(holder.root ?? holder, wound.key, {
      value: wound.value,
      enumerable: true,
      configurable: true,
    });
}
