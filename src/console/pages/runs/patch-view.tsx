import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { visible } from "../../../protocol/visible.ts";
import { Button } from "../../ui/button.tsx";
import { goOnIn, useDraft } from "../../ui/drafts.ts";
import type { Comments } from "./comments.ts";
import { linesOf, type PatchLine } from "./patch.ts";

/** Lines drawn before the reader asks for more. */
const SHORT = 1500;

const TINT: Record<PatchLine["sign"], string> = { "+": "bg-green-t", "-": "bg-red-t", "@": "text-ink3", " ": "" };

interface Props {
  path: string;
  patch: string;
  /** Absent where the person may not write. */
  comments: Comments | undefined;
}

/** A patch in one column: additions and removals by sign and tint, with comments below their lines. */
export function PatchView({ path, patch, comments }: Props) {
  const lines = useMemo(() => linesOf(patch), [patch]);
  const [isWhole, showWhole] = useState(false);
  const [openAt, open] = useState<number>();
  const [activeAt, setActive] = useState(() => lines.findIndex(({ number }) => number !== null));
  const shown = isWhole ? lines : lines.slice(0, SHORT);

  /** Arrows lead from line to line. */
  function press(event: KeyboardEvent<HTMLElement>): void {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by === 0 || !(event.target instanceof HTMLButtonElement)) return;
    event.preventDefault();
    let next = activeAt + by;
    while (shown[next]?.number === null) next += by;
    if (!shown[next]) return;
    setActive(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-line="${next}"]`)?.focus();
  }
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrows move the focus between the buttons in it */}
      <div
        onKeyDown={press}
        className="my-1 overflow-hidden rounded-control border border-line bg-surface font-mono text-small"
      >
        {shown.map((line) => (
          <Line
            key={line.index}
            {...{ path, line, comments }}
            isActive={line.index === activeAt}
            isOpen={line.index === openAt}
            open={() => {
              setActive(line.index);
              open((now) => (now === line.index ? undefined : line.index));
            }}
            close={() => open(undefined)}
          />
        ))}
      </div>
      {shown.length < lines.length && (
        <Button
          kind="quiet"
          onClick={() => showWhole(true)}
        >{`Show all ${lines.length.toLocaleString()} lines`}</Button>
      )}
    </>
  );
}

interface LineProps extends Omit<Props, "patch"> {
  line: PatchLine;
  isActive: boolean;
  isOpen: boolean;
  open(): void;
  close(): void;
}

function Line({ path, line, comments, isActive, isOpen, open, close }: LineProps) {
  const { index, sign, text, number } = line;
  const written = comments?.of({ path, line });
  const gutter = "w-12 shrink-0 pr-2 text-right text-micro leading-4 text-ink3 select-none max-md:w-9";
  return (
    <>
      <div className={`flex items-baseline ${TINT[sign]}`}>
        {comments && number !== null ? (
          <button
            type="button"
            data-line={index}
            tabIndex={isActive ? 0 : -1}
            aria-expanded={isOpen}
            aria-label={`Comment on line ${number}${sign === "-" ? ", removed" : ""}`}
            onClick={open}
            className={`${gutter} cursor-pointer hover:bg-hover hover:text-ink max-md:py-1`}
          >
            {number}
          </button>
        ) : (
          <span className={gutter}>{number}</span>
        )}
        <span className="min-w-0 flex-1 whitespace-pre-wrap wrap-anywhere">{visible(text) || " "}</span>
      </div>
      {comments && isOpen && <Field {...{ path, line, comments, close }} />}
      {written !== undefined && !isOpen && (
        <button
          type="button"
          onClick={open}
          className="block w-full cursor-pointer border-y border-line bg-amber-t px-3 py-1 text-left font-sans text-body whitespace-pre-wrap wrap-anywhere"
        >
          {written}
        </button>
      )}
    </>
  );
}

function Field({ path, line, comments, close }: Pick<LineProps, "path" | "line" | "close"> & { comments: Comments }) {
  const [begun, keep] = useDraft(`comment ${comments.runId} ${line.index} ${path}`);
  const [text, setText] = useState(begun || (comments.of({ path, line }) ?? ""));
  const first = useRef<HTMLTextAreaElement>(null);
  useEffect(() => goOnIn(first.current), []);
  const end = (): void => {
    keep("");
    close();
  };
  const add = (): void => {
    comments.write({ path, line, text });
    end();
  };
  const press = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === "Escape") end();
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) add();
  };
  return (
    <div className="flex flex-col gap-2 border-y border-line bg-bg p-2 font-sans text-body">
      <textarea
        // The line was chosen to write on it.
        ref={first}
        value={text}
        rows={2}
        aria-label={`Comment on ${visible(path)} line ${line.number}`}
        placeholder="Your comment"
        onChange={({ target }) => {
          setText(target.value);
          keep(target.value);
        }}
        onKeyDown={press}
        className="field-sizing-content min-h-12 w-full resize-none rounded-control border border-control bg-surface px-2 py-1"
      />
      <div className="flex gap-2">
        <Button kind="primary" hint="⌃enter" onClick={add}>
          {text.trim() === "" && comments.of({ path, line }) !== undefined ? "Remove" : "Add comment"}
        </Button>
        <Button kind="quiet" hint="esc" onClick={end}>
          Cancel
        </Button>
      </div>
    </div>
  );
}
