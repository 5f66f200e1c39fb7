import { useNavigate } from "@tanstack/react-router";
import { Search as Glass } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useId, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { useKeys } from "../frame/keys.ts";
import { useProject } from "../frame/projects.ts";
import { Key } from "../ui/button.tsx";
import { complete, parseSearch, type Search, writeSearch } from "./query.ts";
import { useChoices } from "./values.ts";

/** The filters of a page: the box shows and sets them. A page without finds everything. */
export interface Find {
  search: Search;
  apply(search: Search): void;
}

/**
 * The search box of a page. `/` leads to it; keys and values are completed with the arrows and Tab. On a phone it is a button,
 * and a row of its own while it is used or filters.
 */
export function SearchBox({ find, className = "" }: { find?: Find | undefined; className?: string }) {
  const navigate = useNavigate();
  const { project } = useProject();
  const shown = writeSearch(find?.search ?? { project });
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState<string>();
  const [isOpen, setOpen] = useState(false);
  const [isAsked, ask] = useState(false);
  const [at, setAt] = useState(-1);
  const listId = useId();
  const text = typed ?? shown;
  const choices = useChoices(text, isOpen);
  const isRow = isAsked || writeSearch(find?.search ?? {}) !== "";
  function lead(): void {
    // A phone shows its keyboard for a focus within the press alone.
    flushSync(() => ask(true));
    field.current?.focus();
  }
  useKeys({ "/": lead });

  function take(choice: string): void {
    setTyped(complete(text, choice));
    setAt(-1);
    field.current?.focus();
  }
  function submit(event: FormEvent): void {
    event.preventDefault();
    const search = parseSearch(text);
    setTyped(undefined);
    setOpen(false);
    field.current?.blur();
    if (find) find.apply(search);
    else void navigate({ to: "/search", search: { project: undefined, ...search } });
  }
  function press(event: KeyboardEvent): void {
    const chosen = choices[at] ?? (event.key === "Tab" && typed ? choices[0] : undefined);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const by = steps[event.key];
    if (by !== undefined && choices.length > 0) setAt((at + by + choices.length + 1) % (choices.length + 1));
    else if ((event.key === "Enter" || event.key === "Tab") && chosen !== undefined) take(chosen);
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
  }
  function leave(): void {
    setTyped(undefined);
    setOpen(false);
    field.current?.blur();
  }

  return (
    <search className={`relative ${className} ${isRow ? "max-md:order-last max-md:w-full" : "max-md:w-auto"}`}>
      <button
        type="button"
        aria-label="Search"
        onClick={lead}
        className={`-my-2.5 flex size-12 items-center justify-center text-ink2 md:hidden ${isRow ? "hidden" : ""}`}
      >
        <Glass className="size-5" aria-hidden="true" />
      </button>
      <form onSubmit={submit} className={isRow ? "" : "max-md:hidden"}>
        <input
          ref={field}
          role="combobox"
          aria-label="Search"
          aria-expanded={choices.length > 0}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={choices[at] === undefined ? undefined : `${listId}-${at}`}
          placeholder="Search"
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={({ target }) => {
            setTyped(target.value);
            setOpen(true);
            setAt(-1);
          }}
          onFocus={() => setOpen(true)}
          onBlur={() => {
            setOpen(false);
            ask(false);
          }}
          onKeyDown={press}
          className="h-8 w-full rounded-control border border-control bg-surface pr-8 pl-2 max-md:h-12"
        />
        <span className="pointer-events-none absolute top-1.5 right-2 text-ink3">
          <Key>/</Key>
        </span>
      </form>
      <div
        id={listId}
        role="listbox"
        aria-label="Completions"
        className={`absolute inset-x-0 top-full z-20 mt-1 rounded-control border border-line bg-surface py-1 shadow-float ${choices.length === 0 ? "hidden" : ""}`}
      >
        {choices.map((choice, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus, and names the chosen one
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys go to the field
          <div
            key={choice}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === at}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(choice)}
            className={`cursor-pointer truncate px-2 py-1 font-mono text-small hover:bg-hover ${index === at ? "bg-selected" : ""}`}
          >
            {choice}
          </div>
        ))}
      </div>
    </search>
  );
}
