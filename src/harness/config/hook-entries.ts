import { HOOK_HARNESSES, HOOK_STYLES, type HookHarness } from "../harnesses.ts";
import { isObject, type JsonObject } from "./json-edits.ts";
import { ownLine, type Wiring } from "./wiring.ts";

/** Hooks that any `connect` wrote, for any agent and from any checkout. */
const OURS = new RegExp(` hook (${HOOK_HARNESSES.join("|")}) (session-start|prompt|stop) --keys `);

/**
 * Adds our hooks to those of a file, or removes ours (`wiring` undefined, or without hooks). A hook of ours that calls the right
 * command already keeps the changes that a person made to it.
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

/** Command for each event, by the harness's name of the event. */
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

/** Place in a file of hooks that holds something else than the harness expects, which adding ours would replace. */
export function oddPlace({ hooks }: JsonObject, harness: HookHarness): string | undefined {
  if (hooks === undefined) return undefined;
  if (!isObject(hooks)) return "hooks";
  const odd = Object.values(HOOK_STYLES[harness].events).find(
    (event) => hooks[event] !== undefined && !Array.isArray(hooks[event]),
  );
  return odd && `hooks.${odd}`;
}
