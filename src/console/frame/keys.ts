import { createContext, useContext, useEffect, useRef } from "react";

/** Time for the second key of a pair such as `g n`. */
const PAIR_MS = 1200;
const OFF = "letters-off";

/** Letters can be switched off in this browser (WCAG 2.2, 2.1.4). */
export const lettersAreOff = (): boolean => localStorage.getItem(OFF) === "1";
export const switchLetters = (off: boolean): void =>
  off ? localStorage.setItem(OFF, "1") : localStorage.removeItem(OFF);

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
    target.closest("[role=dialog]") !== null);

/** Enter on a link or a button is its own. */
const isOwnEnter = ({ key, target }: KeyboardEvent): boolean =>
  key === "Enter" && target instanceof HTMLElement && target.closest("a, button, summary, [role=button]") !== null;

/** The name of a key as the tables of keys say it: `j`, `X`, `mod+k`, `Enter`. */
const nameOf = ({ key, metaKey, ctrlKey }: KeyboardEvent): string =>
  metaKey || ctrlKey ? `mod+${key.toLowerCase()}` : key;

/** Says of a part of a page that its keys act on nothing: those of another part do. */
export const Deaf = createContext(false);

/** Does what a table of keys says, while its component is shown. Pairs are written `g n`. Letters do nothing in fields. */
export function useKeys(table: Record<string, (event: KeyboardEvent) => void>): void {
  const latest = useRef(table);
  latest.current = useContext(Deaf) ? {} : table;
  useEffect(() => {
    let first: { key: string; at: number } | undefined;
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.altKey || isOwnEnter(event)) return;
      const name = nameOf(event);
      if (!name.startsWith("mod+") && (isField(event.target) || (name.length === 1 && lettersAreOff()))) return;
      // After g a key is the second of a pair in every table: alone it would act on the page that it leads away from.
      const isSecond = first?.key === "g" && event.timeStamp - first.at < PAIR_MS;
      const act = latest.current[isSecond ? `g ${name}` : name];
      first = isSecond ? undefined : { key: name, at: event.timeStamp };
      if (!act) return;
      event.preventDefault();
      act(event);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}
