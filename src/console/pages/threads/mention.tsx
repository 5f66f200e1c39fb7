import { type KeyboardEvent, useState } from "react";
import { useTargets } from "./targets.ts";

const SHOWN = 6;

/** Targets named at the beginning of a text: `@codex-1 do this` is for codex-1. */
export function useMention(text: string, setText: (text: string) => void, choose: (target: string) => void) {
  const targets = useTargets();
  const [at, setAt] = useState(0);
  const typed = /^@(\S*)$/.exec(text)?.[1]?.toLowerCase();
  const found = typed === undefined ? [] : targets.filter((target) => target.includes(typed)).slice(0, SHOWN);
  const place = Math.min(at, found.length - 1);
  function accept(target: string): void {
    choose(target);
    setText("");
    setAt(0);
  }
  return {
    found,
    place,
    accept,
    /** Takes what is typed. A whole name and a space choose its target. */
    change(value: string): void {
      const [, name = "", rest = ""] = /^@(\S+)\s([\s\S]*)$/.exec(value) ?? [];
      const isWhole = targets.includes(name);
      if (isWhole) choose(name);
      setText(isWhole ? rest : value);
    },
    /** Takes the keys of the list while it is shown. Answers whether it took this one. */
    press(event: KeyboardEvent): boolean {
      const target = found[place];
      if (target === undefined || event.nativeEvent.isComposing) return false;
      if (event.key === "ArrowDown") setAt(Math.min(found.length - 1, place + 1));
      else if (event.key === "ArrowUp") setAt(Math.max(0, place - 1));
      else if (event.key === "Enter" || event.key === "Tab") accept(target);
      else return false;
      event.preventDefault();
      return true;
    },
  };
}

type Props = Pick<ReturnType<typeof useMention>, "found" | "place" | "accept">;

/** Targets that fit what is typed after `@`. */
export function Mentions({ found, place, accept }: Props) {
  if (found.length === 0) return null;
  return (
    <ul aria-label="Targets" className="mb-2 max-w-80 rounded-control border border-line bg-surface shadow-float">
      {found.map((target, index) => (
        <li key={target}>
          <button
            type="button"
            tabIndex={-1}
            aria-current={index === place || undefined}
            onClick={() => accept(target)}
            className="block h-8 w-full cursor-pointer truncate px-2 text-left hover:bg-hover aria-[current]:bg-selected max-md:h-12"
          >
            {target}
          </button>
        </li>
      ))}
    </ul>
  );
}
