import { Key } from "../ui/button.tsx";
import { PLACES } from "./places.ts";

const KEYS: readonly [group: string, keys: readonly [key: string, does: string][]][] = [
  [
    "Everywhere",
    [
      ["⌘K", "everything: places, things, acts"],
      ["/", "search"],
      ["⇧P", "hold"],
      ["esc", "back, or clear the filters"],
      ["?", "these keys"],
    ],
  ],
  ["Places", PLACES.map(({ name, key }): [string, string] => [`g ${key}`, name])],
  [
    "Lists",
    [
      ["j k", "next, the one before; on into the next list"],
      ["enter", "open"],
      ["x ⇧x", "choose, and all up to it"],
      ["z", "undo"],
      ["d", "rows of one line, or with the reason"],
    ],
  ],
  [
    "Needs you",
    [
      ["1 2 3", "allow once, for the session, deny"],
      ["e", "I have it"],
      ["s", "snooze"],
    ],
  ],
  [
    "Runs, sessions, threads",
    [
      ["m", "tell"],
      ["i", "interrupt"],
      ["p", "peek"],
      ["r", "reply"],
      ["w", "why a message is where it is"],
      ["y", "copy the id"],
      ["o", "open its link"],
    ],
  ],
];

/** Keys of the console. */
export const KeyTable = () => (
  <div className="flex flex-col gap-4">
    {KEYS.map(([group, keys]) => (
      <section key={group} aria-label={group}>
        <h3 className="mb-1 text-small font-semibold text-ink3">{group}</h3>
        <dl className="grid grid-cols-[72px_1fr] gap-y-1">
          {keys.map(([key, does]) => (
            <div key={key} className="contents">
              <dt>
                <Key>{key}</Key>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
      </section>
    ))}
  </div>
);
