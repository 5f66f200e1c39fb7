import { type ReactNode, useRef } from "react";
import { useSequence } from "./sequence.ts";

/** Links of a part of a page, which j and k lead through as through rows. */
export function LinkRows({ children }: { children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  const links = (): HTMLElement[] => [...(box.current?.querySelectorAll("a") ?? [])];
  useSequence({
    box,
    count: () => links().length,
    move(by) {
      const all = links();
      const next = all[all.indexOf(document.activeElement as HTMLElement) + by];
      next?.focus();
      return next !== undefined;
    },
    enter: (by) =>
      links()
        .at(by > 0 ? 0 : -1)
        ?.focus(),
  });
  return <div ref={box}>{children}</div>;
}
