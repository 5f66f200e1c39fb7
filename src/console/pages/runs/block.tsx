import { memo } from "react";
import { visible } from "../../../protocol/visible.ts";
import { countText, durationText } from "../../ui/amounts.ts";
import { Exact } from "../../ui/exact.tsx";
import { Fold } from "../../ui/fold.tsx";
import { Glyph } from "../../ui/glyph.tsx";
import { clockText } from "../../ui/states.ts";
import { type Block, exitOf, type MarkBlock, type TextBlock, type ToolBlock, targetOf } from "./transcript.ts";

/** Words as they were written: wrapped, with nothing hidden and nothing executed. */
export const Words = ({ children, className = "" }: { children: string; className?: string }) => (
  <p className={`whitespace-pre-wrap wrap-anywhere ${className}`}>{visible(children)}</p>
);

/** One block of a transcript. It is drawn again only when it changed. */
export const BlockView = memo(function BlockView({ block, teller }: { block: Block; teller: string }) {
  switch (block.kind) {
    case "tool":
      return <Tool block={block} />;
    case "thought":
      return <Thought block={block} />;
    case "said":
      return <Said by={teller}>{block.text}</Said>;
    case "text":
      return <Words className="py-2">{block.text}</Words>;
    case "status":
      return <Words className="py-1 text-small text-ink3">{block.text}</Words>;
    default:
      return <Mark block={block} />;
  }
});

/** Words of a person, or of an agent that asked. */
export const Said = ({ by, children }: { by: string; children: string }) => (
  <div className="my-2 border-l-2 border-control py-1 pl-3">
    <p className="text-small text-ink3">{visible(by)}</p>
    <Words className="font-semibold">{children}</Words>
  </div>
);

function Thought({ block: { text, isOpen } }: { block: TextBlock }) {
  return (
    <Fold
      line={
        <>
          <Glyph name={isOpen ? "working" : "idle"} grey={!isOpen} />
          <span>{`${isOpen ? "thinking" : "thought"} · ${countText(text.length)} characters`}</span>
        </>
      }
    >
      {() => <Words className="text-ink2">{text}</Words>}
    </Fold>
  );
}

function Tool({ block }: { block: ToolBlock }) {
  const { name, input, output, error, at, endedAt } = block;
  const exit = exitOf(block);
  const isBad = error !== undefined || (exit ?? 0) !== 0;
  const facts = [
    endedAt === undefined ? "running" : durationText(Date.parse(endedAt) - Date.parse(at)),
    ...(exit === undefined ? [] : [`exit ${exit}`]),
    ...(error === undefined ? [] : ["failed"]),
  ];
  const text = error ?? (typeof output?.text === "string" ? output.text : json(output));
  return (
    <Fold
      line={
        <>
          <Glyph name={endedAt === undefined ? "working" : isBad ? "error" : "settled"} />
          <span className="flex min-w-0 flex-1 gap-2 font-mono max-md:flex-wrap">
            <span className="text-ink">{visible(name)}</span>
            <span className="min-w-0 truncate max-md:whitespace-normal max-md:wrap-anywhere">
              {visible(targetOf(input))}
            </span>
          </span>
          <span className={`font-mono whitespace-nowrap ${isBad ? "text-red" : "text-ink3"}`}>{facts.join(" · ")}</span>
        </>
      }
    >
      {() => (
        <>
          <Exact>{json(input) || "no input"}</Exact>
          {text ? <Exact>{text}</Exact> : <p className="text-small text-ink3">It has no output.</p>}
        </>
      )}
    </Fold>
  );
}

const json = (value: unknown): string =>
  value === undefined || (typeof value === "object" && Object.keys(value ?? {}).length === 0)
    ? ""
    : JSON.stringify(value, null, 2);

const MARKS: Record<MarkBlock["kind"], string> = {
  ...{ turn: "Turn began", stopped: "Stopped", failed: "Failed", file: "File", change: "Changed" },
};

function Mark({ block: { kind, text, url, at } }: { block: MarkBlock }) {
  const words = `${MARKS[kind]}${text ? `: ${visible(text)}` : ""}`;
  return (
    <p
      className={`flex items-center gap-2 py-1 text-small wrap-anywhere ${kind === "failed" ? "text-red" : "text-ink3"} ${kind === "turn" ? "mt-2 border-t border-line" : ""}`}
    >
      {url?.startsWith("/v1/files/") ? (
        <a href={url} download={text} className="text-accent underline">
          {words}
        </a>
      ) : (
        <span>{words}</span>
      )}
      <time className="font-mono text-micro" dateTime={at}>
        {clockText(at)}
      </time>
    </p>
  );
}
