import type { ReactNode } from "react";
import { useKeys } from "../frame/keys.ts";
import { Button, Key } from "./button.tsx";

interface ChosenBarProps {
  /** Says what is chosen: "3 chosen"; undefined for nothing. */
  words: string | undefined;
  clear(): void;
  /** Chooses everything at once, by a button of this name. */
  all?: { name: string; choose(): void } | undefined;
  /** Acts on what is chosen. */
  children: ReactNode;
}

/** The bar above rows that can be chosen: how that is done, then what can be done with those chosen. */
export function ChosenBar({ words, clear, all, children }: ChosenBarProps) {
  useKeys(words === undefined ? {} : { Escape: clear });
  return (
    <div
      className={`flex min-h-9 shrink-0 flex-wrap items-center gap-2 border-b border-line px-3 py-1 ${words === undefined ? "max-md:hidden" : ""}`}
    >
      {words === undefined ? (
        <span className="text-small text-ink2 max-md:hidden">
          <Key>x</Key> chooses a row, <Key>⇧x</Key> all up to it
        </span>
      ) : (
        <>
          <strong>{words}</strong>
          {children}
          <Button kind="quiet" hint="esc" onClick={clear}>
            Clear
          </Button>
        </>
      )}
      {all && (
        <Button kind="quiet" className="ml-auto" onClick={all.choose}>
          {all.name}
        </Button>
      )}
    </div>
  );
}
