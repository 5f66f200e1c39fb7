import { HOOK_HARNESSES, type HookHarness, MANNERS } from "./hook-answers.ts";
import { isObject, type JsonObject } from "./json-edits.ts";
import { ownLine, type Wiring } from "./wiring.ts";

const SECONDS = 10;
/** Gemini CLI counts in milliseconds. */
const timeoutFor = (harness: HookHarness): number => (harness === "gemini" ? SECONDS * 1000 : SECONDS);

/** Hooks that an earlier `connect` wrote, for whichever agent and from wherever. */
const OURS = new RegExp(` hook (${HOOK_HARNESSES.join("|")}) (session-start|prompt|stop) --keys `);

/** Our hooks beside those that are there; `wiring` undefined or without hooks: none of ours. */
export function withHooks(whole: JsonObject, harness: HookHarness, wiring: Wiring | undefined): JsonObject {
  const hooks: JsonObject = {};
  const there = isObject(whole.hooks) ? whole.hooks : {};
  let had = false;
  for (const [event, groups] of Object.entries(there)) {
    const kept = Array.isArray(groups) ? groups.map(withoutOurs).filter((group) => group !== undefined) : groups;
    const isChanged = !Bun.deepEquals(kept, groups);
    had ||= isChanged;
    if (!isChanged || !Array.isArray(kept) || kept.length) hooks[event] = kept;
  }
  if (!wiring?.hooks) {
    if (!had) return whole;
    if (Object.keys(hooks).length) return { ...whole, hooks };
    const { hooks: _, ...others } = whole;
    return others;
  }
  for (const [event, theirs] of Object.entries(MANNERS[harness].events)) {
    const command = ownLine("hook", harness, event, "--keys", wiring.keysFile);
    const group = { hooks: [{ type: "command", command, timeout: timeoutFor(harness) }] };
    hooks[theirs] = [...(Array.isArray(hooks[theirs]) ? hooks[theirs] : []), group];
  }
  return { ...whole, hooks };
}

function withoutOurs(group: unknown): unknown {
  if (!isObject(group) || !Array.isArray(group.hooks)) return group;
  const kept = group.hooks.filter(
    (hook) => !(isObject(hook) && typeof hook.command === "string" && OURS.test(hook.command)),
  );
  if (kept.length === group.hooks.length) return group;
  return kept.length ? { ...group, hooks: kept } : undefined;
}
