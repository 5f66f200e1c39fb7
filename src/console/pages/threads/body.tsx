import { lazy, Suspense, useState } from "react";
import { Button } from "../../ui/button.tsx";

const Markdown = lazy(async () => ({ default: (await import("./markdown.tsx")).Markdown }));

/** Characters shown of a body before the reader asks for more; from there on it is plain text. */
const SHORT = 8000;
/** Marks of direction and control characters, which hide or turn what stands around them. */
const TRICKS = /(?![\t\n])[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Text of others with its tricks spelled out. Joiners of emoji and of scripts stay. */
export const plainly = (text: string): string =>
  text.replace(TRICKS, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`);

/** The words of a message: formatted, or as plain text where it is long. */
export function Body({ text }: { text: string }) {
  const [isWhole, showWhole] = useState(false);
  const shown = plainly(text.slice(0, isWhole ? undefined : SHORT).toWellFormed());
  const plain = (
    <p className="whitespace-pre-wrap wrap-anywhere" dir="auto">
      {shown}
    </p>
  );
  if (text.length > SHORT)
    return (
      <>
        {plain}
        {!isWhole && (
          <Button kind="quiet" onClick={() => showWhole(true)}>
            {`Show all ${text.length.toLocaleString()} characters`}
          </Button>
        )}
      </>
    );
  return (
    <Suspense fallback={plain}>
      <Markdown text={shown} />
    </Suspense>
  );
}
