import { useEffect, useState } from "react";
import { useWho } from "../frame/who.ts";

const KEY = "drafts";
const MOST = 50;

/** Texts of this page by their names: written and not sent, or empty where they are over. */
const changed = new Map<string, string>();
/** Sign-in that they belong to. */
let owner: string | undefined;

/** Texts that were kept for the sign-in, the oldest first. */
function kept(): Map<string, string> {
  try {
    const { of, texts } = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return new Map(of === owner ? texts : []);
  } catch {
    // Another version wrote it.
    return new Map();
  }
}

/** Texts go to disk when the page is left or hidden, and no sooner. Other windows keep theirs in the same place. */
function keep(): void {
  if (changed.size === 0) return;
  const texts = kept();
  for (const [name, text] of changed) {
    texts.delete(name);
    if (text !== "") texts.set(name, text);
  }
  try {
    localStorage.setItem(KEY, JSON.stringify({ of: owner, texts: [...texts].slice(-MOST) }));
  } catch {
    // The browser has no room: the page still has them.
  }
}
addEventListener("pagehide", keep);
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keep());

/** Ends what this browser has kept: with its sign-in. */
export function forgetDrafts(): void {
  changed.clear();
  localStorage.removeItem(KEY);
}

/** Text that was begun under a name; empty for none. */
export const draftOf = (name: string): string => changed.get(name) ?? kept().get(name) ?? "";

/** Ends a text: it was sent. */
export const endDraft = (name: string): void => void changed.set(name, "");

/** A text that stays while its person is elsewhere, until it is set to nothing. `isSecret`: it stays in the field alone. */
export function useDraft(name: string, isSecret = false): [text: string, set: (text: string) => void] {
  owner = useWho().tokenId ?? undefined;
  const [text, setText] = useState(() => (isSecret ? "" : draftOf(name)));
  useEffect(() => {
    if (!isSecret) return;
    changed.set(name, "");
    keep();
  }, [name, isSecret]);
  const set = (next: string): void => {
    setText(next);
    if (!isSecret) changed.set(name, next);
  };
  return [text, set];
}

/** Leads into a field, behind what was begun. */
export function goOnIn(field: HTMLTextAreaElement | null): void {
  field?.focus();
  field?.setSelectionRange(field.value.length, field.value.length);
}
