import { useEffect, useRef } from "react";
import { WindowVirtualizer, type WindowVirtualizerHandle } from "virtua";
import type { Run } from "../../../protocol/runs.ts";
import { Failure, Loading } from "../../ui/notes.tsx";
import { BlockView, Said } from "./block.tsx";
import { useTranscript } from "./use-transcript.ts";

/** Nearer to the end than this, the page stays at the end. */
const NEAR_PX = 160;
/** Blocks above the window before older ones are read. */
const AHEAD = 5;

const isNearEnd = (): boolean => document.documentElement.scrollHeight - window.scrollY - window.innerHeight < NEAR_PX;

/** Author of a run's task: a person, or the agent, run or chat that asked for it. */
export function askerOf({ person, requester }: Run): string {
  if (person) return person;
  if (!requester) return "Asked";
  if ("agentId" in requester) return requester.agentId;
  return "runId" in requester ? requester.runId : requester.conversation.conversationId;
}

/** The transcript of a run: opened at its end, and kept there while the reader is there. */
export function TranscriptView({ run }: { run: Run }) {
  const isOver = run.status === "ended";
  const { blocks, isShifted, isAtStart, isRead, error, readOlder } = useTranscript(run.id, isOver);
  const list = useRef<WindowVirtualizerHandle>(null);
  const isAtEnd = useRef(true);
  const rows = blocks.length + (isAtStart ? 1 : 0);

  const look = (): void => {
    isAtEnd.current = isNearEnd();
    const at = list.current;
    if (at && isRead && !isAtStart && at.findItemIndex(at.scrollOffset) < AHEAD) void readOlder();
  };
  useEffect(() => {
    if (rows > 0 && isAtEnd.current) window.scrollTo({ top: document.documentElement.scrollHeight });
  });
  // A page that does not fill the window brings the one before it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each page
  useEffect(look, [blocks, isRead]);
  useEffect(() => {
    const scrolled = (): void => {
      isAtEnd.current = isNearEnd();
    };
    window.addEventListener("scroll", scrolled, { passive: true });
    return () => window.removeEventListener("scroll", scrolled);
  }, []);

  if (error && !isRead) return <Failure error={error} retry={() => void readOlder()} />;
  if (!isRead) return <Loading what="the transcript" />;
  return (
    <>
      {error ? <Failure error={error} retry={() => void readOlder()} /> : null}
      <WindowVirtualizer ref={list} shift={isShifted} onScroll={look}>
        {isAtStart && (
          <Said key="task" by={askerOf(run)}>
            {run.task}
          </Said>
        )}
        {blocks.map((block) => (
          <BlockView key={block.key} block={block} teller="Told" />
        ))}
      </WindowVirtualizer>
      {isAtStart && blocks.length === 0 && (
        <p className="py-2 text-ink2">
          {run.status === "queued" ? `Nothing yet: ${run.agentId} has not begun.` : "Its runner has told nothing."}
        </p>
      )}
    </>
  );
}
