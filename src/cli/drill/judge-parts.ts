import type { RunPart } from "../../protocol/run-events.ts";
import type { Run } from "../../protocol/runs.ts";
import { once } from "./fault.ts";
import { type Story, THOUGHT } from "./story.ts";

/** Checks the events of a run: complete, in order, each once, and everything that was begun has ended once. */
export function checkParts({ faults, said, seen }: Story, run: Run, parts: RunPart[]): void {
  const places = parts.map(({ place }) => place);
  if (isDisordered(places)) faults.push({ kind: "other", what: `the parts of ${run.id} are out of order` });
  checkViewer({ faults, seen }, run, places);
  const order = [...new Set(parts.map(({ turnId }) => turnId))];
  if (order.join() !== run.turns.map(({ turnId }) => turnId).join())
    faults.push({ kind: "lost", what: `${run.id} has parts of ${order}` });
  for (const [turnId, own] of Map.groupBy(parts, (part) => part.turnId)) {
    const shown = own.map(({ part }) => part);
    const text = shown.map(({ type, delta }) => (type === "text-delta" ? delta : "")).join("");
    if (text !== said.get(turnId)) {
      const kind = text.length > (said.get(turnId)?.length ?? 0) ? "doubled" : "lost";
      faults.push({ kind, what: `${turnId} said "${said.get(turnId)}", and "${text}" is stored` });
    }
    once(faults, shown.filter(({ delta }) => delta === THOUGHT).length, `${turnId} had its thought`);
    checkEnds(faults, turnId, shown);
  }
}

/** A viewer that came back after each kill saw each part once. */
function checkViewer({ faults, seen }: Pick<Story, "faults" | "seen">, run: Run, places: number[]): void {
  const shown = seen.get(run.id) ?? [];
  const distinct = new Set(shown);
  const stored = new Set(places);
  const missing = places.filter((place) => !distinct.has(place)).length;
  const vanished = shown.filter((place) => !stored.has(place)).length;
  if (missing) faults.push({ kind: "lost", what: `the viewer of ${run.id} missed ${missing} parts` });
  if (vanished)
    faults.push({ kind: "lost", what: `the viewer of ${run.id} saw ${vanished} parts that it has no more` });
  if (distinct.size < shown.length)
    faults.push({ kind: "doubled", what: `the viewer of ${run.id} saw ${shown.length - distinct.size} parts twice` });
  if (isDisordered(shown)) faults.push({ kind: "other", what: `the viewer of ${run.id} saw parts out of order` });
}

const isDisordered = (places: number[]): boolean => places.some((place, at) => at > 0 && place < (places[at - 1] ?? 0));

type Part = RunPart["part"];

function checkEnds(faults: Story["faults"], turnId: string, parts: Part[]): void {
  for (const [type, place] of [
    ["start", 0],
    ["finish", -1],
  ] as const) {
    const found = parts.filter((part) => part.type === type);
    once(faults, found.length, `${turnId} had its ${type}`);
    if (found.length === 1 && parts.at(place)?.type !== type)
      faults.push({ kind: "other", what: `the ${type} of ${turnId} is not at its place` });
  }
  for (const kind of ["text", "reasoning"])
    checkPairs(faults, turnId, parts, {
      key: ({ id, type }) => (`${type}`.startsWith(kind) ? id : undefined),
      begins: ({ type }) => type === `${kind}-start`,
      ends: ({ type }) => type === `${kind}-end`,
    });
  checkPairs(faults, turnId, parts, {
    key: ({ toolCallId }) => toolCallId,
    begins: ({ type }) => type === "tool-input-start",
    ends: ({ type, preliminary }) => `${type}`.startsWith("tool-output") && !preliminary,
  });
}

interface Pairs {
  key(part: Part): unknown;
  begins(part: Part): boolean;
  ends(part: Part): boolean;
}

/** Whatever began has ended once, and nothing of it comes after that. */
function checkPairs(faults: Story["faults"], turnId: string, parts: Part[], { key, begins, ends }: Pairs): void {
  for (const [id, own] of Map.groupBy(parts, key)) {
    if (id === undefined) continue;
    once(faults, own.filter(begins).length, `${id} of ${turnId} began`);
    once(faults, own.filter(ends).length, `${id} of ${turnId} ended`);
    const types = own.map(({ type }) => type);
    if (own.findIndex(begins) > 0 || (own.some(ends) && own.findIndex(ends) < own.length - 1))
      faults.push({ kind: "other", what: `${id} of ${turnId} is out of order: ${types}` });
  }
}
