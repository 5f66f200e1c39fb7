import { useEffect, useRef } from "react";

/** Something that can be done on what is shown. */
export interface Act {
  name: string;
  /** Key that does the same. */
  hint?: string | undefined;
  run(): void;
}

const offered = new Set<{ current: readonly Act[] }>();

/** Offers acts in the list of everything while a component is shown. */
export function useActs(acts: readonly Act[]): void {
  const latest = useRef(acts);
  latest.current = acts;
  useEffect(() => {
    offered.add(latest);
    return () => void offered.delete(latest);
  }, []);
}

/** Acts on what is shown now, the innermost first. */
export const shownActs = (): Act[] => [...offered].reverse().flatMap(({ current }) => current);
