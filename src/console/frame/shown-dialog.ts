export type DialogName = "everything" | "keys" | "connect" | "spawn" | "agent";

let name: DialogName | undefined;
const listeners = new Set<() => void>();

/** Opens one of the dialogs that every page has; undefined closes it. */
export function show(next: DialogName | undefined): void {
  name = next;
  for (const tell of listeners) tell();
}

export const shown = (): DialogName | undefined => name;

export function onShown(tell: () => void): () => void {
  listeners.add(tell);
  return () => void listeners.delete(tell);
}
