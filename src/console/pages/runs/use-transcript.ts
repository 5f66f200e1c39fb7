import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import type { RunPart } from "../../../protocol/run-events.ts";
import { api } from "../../api.ts";
import { connection } from "../../live/connection.ts";
import { NO_TRANSCRIPT, type Transcript, withNewer, withOlder } from "./transcript.ts";

/** Parts of one page. */
const PAGE = 500;
/** Parts that arrive within this time are shown together. */
const TOGETHER_MS = 60;

/** The end of a run's transcript, older parts as they are asked for, and newer ones as they come. */
export function useTranscript(id: string, isOver: boolean) {
  const cache = useQueryClient();
  const [transcript, set] = useState<Transcript>(NO_TRANSCRIPT);
  const [isAtStart, setAtStart] = useState(false);
  const [isRead, setRead] = useState(false);
  const [error, setError] = useState<unknown>();
  const latest = useRef(transcript);
  latest.current = transcript;
  const reading = useRef(false);

  const readOlder = useCallback(async () => {
    if (reading.current) return;
    reading.current = true;
    setError(undefined);
    try {
      const before = latest.current.first ?? Number.MAX_SAFE_INTEGER;
      const { items } = await api.runs.events(id, { before, limit: PAGE });
      if (items.length === 0) setAtStart(true);
      set((had) => withOlder(had, items));
      setRead(true);
    } catch (problem) {
      setError(problem);
    } finally {
      reading.current = false;
    }
  }, [id]);

  useEffect(() => void readOlder(), [readOlder]);

  // A run that ended and goes on is followed anew: the relay ended the follow.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (!isRead) return;
    return followParts(id, latest.current.last ?? 0, (parts) => {
      set((had) => withNewer(had, parts));
      readAgain(cache, id, parts);
    });
  }, [cache, id, isRead, isOver]);

  return { ...transcript, isAtStart, isRead, error, readOlder };
}

function followParts(id: string, after: number, show: (parts: readonly RunPart[]) => void): () => void {
  let waiting: RunPart[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = connection.follow({ what: "run", id, after }, ({ event, data }) => {
    if (event !== "part") return;
    waiting.push(data as RunPart);
    timer ??= setTimeout(() => {
      timer = undefined;
      show(waiting);
      waiting = [];
    }, TOGETHER_MS);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}

/** Reads again what the page shows beside the transcript. */
function readAgain(cache: QueryClient, id: string, parts: readonly RunPart[]): void {
  const has = (type: string): boolean => parts.some(({ part }) => part.type === type);
  if (has("data-diff")) void cache.invalidateQueries({ queryKey: ["run", id, "diff"] });
  if (has("data-usage")) void cache.invalidateQueries({ queryKey: ["run", id, "tree"] });
}
