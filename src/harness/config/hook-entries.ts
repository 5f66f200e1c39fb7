import { HOOK_HARNESSES, HOOK_STYLES, type HookHarness } from "../harnesses.ts";
import { isObject, type JsonObject } from "./json-edits.ts";
import { ownLine, type Wiring } from "./wiring.ts";

/** Hooks that an earlier `connect` wrote, for whichever agent and from wherever. */
const OURS = new RegExp(` hook (${HOOK_HARNESSES.join("|")}) (session-start|prompt|stop) --keys `);

/**
 * Our hooks beside those that are there; `wiring` undefined or without hooks: none of ours. One that calls what it has to call
 * already stays as it is, with what a person changed about it.
 */
export function withHooks(whole: JsonObject, harness: HookHarness, wiring: Wiring | undefined): JsonObject {
  const wanted = commandsOf(harness, wiring);
  const hooks: JsonObject = {};
  const there = isObject(whole.hooks) ? whole.hooks : {};
  let had = false;
  for (const [event, groups] of Object.entries(there)) {
    const own = wanted.get(event);
    const kept = Array.isArray(groups)
      ? groups.map((group) => withoutOurs(group, own)).filter((group) => group !== undefined)
      : groups;
    const isChanged = !Bun.deepEquals(kept, groups);
    had ||= isChanged;
    if (!isChanged || !Array.isArray(kept) || kept.length) hooks[event] = kept;
  }
  if (wanted.size === 0) {
    if (!had) return whole;
    if (Object.keys(hooks).length) return { ...whole, hooks };
    const { hooks: _, ...others } = whole;
    return others;
  }
  for (const [event, command] of wanted) {
    const groups: unknown[] = Array.isArray(hooks[event]) ? hooks[event] : [];
    const group = { hooks: [{ type: "command", command, timeout: HOOK_STYLES[harness].timeout }] };
    hooks[event] = groups.some((each) => calls(each, command)) ? groups : [...groups, group];
  }
  return { ...whole, hooks };
}

/** The call for each event of the harness. */
function commandsOf(harness: HookHarness, wiring: Wiring | undefined): Map<string, string> {
  if (!wiring?.hooks) return new Map();
  const events = Object.entries(HOOK_STYLES[harness].events);
  return new Map(events.map(([event, theirs]) => [theirs, ownLine("hook", harness, event, "--keys", wiring.keysFile)]));
}

const calls = (group: unknown, command: string): boolean =>
  isObject(group) &&
  Array.isArray(group.hooks) &&
  group.hooks.some((hook) => isObject(hook) && hook.command === command);

function withoutOurs(group: unknown, own: string | undefined): unknown {
  if (!isObject(group) || !Array.isArray(group.hooks)) return group;
  const kept = group.hooks.filter(
    (hook) => !(isObject(hook) && typeof hook.command === "string" && OURS.test(hook.command) && hook.command !== own),
  );
  if (kept.length === group.hooks.length) return group;
  return kept.length ? { ...group, hooks: kept } : undefined;
}

/** Places in a file of hooks that hold something else than the harness expects: adding ours would replace it. */
export function oddPlace({ hooks }: JsonObject, harness: HookHarness): string | undefined {
  if (hooks === undefined) return undefined;
  if (!isObject(hooks)) return "hooks";
  const odd = Object.values(HOOK_STYLES[harness].events).find(
    (event) => hooks[event] !== undefined && !Array.isArray(hooks[event]),
  );
  return odd && `hooks.${odd}`;
}
