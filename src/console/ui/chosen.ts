import { useEffect, useRef, useState } from "react";

export type Chosen = ReturnType<typeof useChosen>;

/** Rows that a person has chosen to act on together. */
export function useChosen() {
  const [ids, choose] = useState<ReadonlySet<string>>(new Set());
  const last = useRef<string>(undefined);

  /** Chooses a row, or no longer. */
  function toggle(id: string): void {
    const next = new Set(ids);
    if (!next.delete(id)) next.add(id);
    last.current = id;
    choose(next);
  }
  return {
    ids,
    toggle,
    /** Chooses all rows from the one that was toggled last up to this one. */
    reach(order: readonly string[], id: string): void {
      const from = last.current === undefined ? -1 : order.indexOf(last.current);
      if (from === -1) {
        toggle(id);
        return;
      }
      const to = order.indexOf(id);
      choose(new Set([...ids, ...order.slice(Math.min(from, to), Math.max(from, to) + 1)]));
    },
    /** Chooses these as well. */
    add: (some: readonly string[]): void => choose(new Set([...ids, ...some])),
    clear(): void {
      last.current = undefined;
      choose(new Set());
    },
  };
}

/** Rows that are listed no more are chosen no more. */
export function useGone({ ids, toggle }: Chosen, items: readonly { id: string | number }[]): void {
  useEffect(() => {
    const listed = new Set(items.map(({ id }) => `${id}`));
    const gone = [...ids].find((id) => !listed.has(id));
    if (gone !== undefined) toggle(gone);
  }, [ids, toggle, items]);
}

/** A list in parts of at most so many. */
export const inParts = <Item>(all: readonly Item[], most: number): Item[][] =>
  Array.from({ length: Math.ceil(all.length / most) }, (_, part) => all.slice(part * most, (part + 1) * most));
