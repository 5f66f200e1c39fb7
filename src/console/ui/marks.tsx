import { LADDER } from "../../protocol/explain.ts";

/** Words of a message's steps: the marks of its ladder. */
const MARKS = ["stored", "routed", "offered", "in turn", "answered"] as const;

/** A ladder of five marks. `reached`: how many of them, from 1; the next one is outlined where it is late. */
export function Marks({ reached, isLate, late = "", impossible = [] }: MarksProps) {
  const has = LADDER.map((step, index) => index + 1 === reached || !impossible.includes(step));
  const next = has.indexOf(true, reached);
  return (
    <span className="inline-flex shrink-0 gap-px" role="img" aria-label={`${markWord(reached)}${late}`}>
      {MARKS.map((name, index) => (
        <i
          key={name}
          title={has[index] ? undefined : `${name}: its recipient has no means to say so`}
          className={`h-2.5 w-1.25 rounded-[1px] border ${has[index] ? markOf(index, reached, isLate && index === next) : "border-transparent"}`}
        />
      ))}
    </span>
  );
}

interface MarksProps {
  reached: number;
  isLate: boolean;
  late?: string;
  /** Steps that no recipient can report: their marks are missing. */
  impossible?: readonly (typeof LADDER)[number][];
}

/** Word for the furthest mark. */
export const markWord = (reached: number): string => MARKS[reached - 1] ?? "stored";

function markOf(index: number, reached: number, isLate: boolean): string {
  if (index < reached) return "border-ink2 bg-ink2";
  return isLate ? "border-amber-g" : "border-control";
}
