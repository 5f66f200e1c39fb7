import type { Exit, SessionEvent } from "../../harness/providers/provider.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { Services } from "../services.ts";
import type { Reporter } from "./reporter.ts";
import { storable } from "./storable.ts";

/** Called for every event of a session, and when its process has ended. */
export interface SessionEar {
  event(event: SessionEvent): void;
  exited(exit: Exit): void;
}

/** Events of sessions: the journal and the relay learn from them, then those who listen. */
export function createSessionEvents({ journal, time, observers, life }: Services, reporter: Reporter) {
  const ears = new Map<string, Set<SessionEar>>();

  function hear(id: string, heard: SessionEvent): void {
    if (life.aborted) return;
    const event = storable(heard);
    if (event.type === "native") named(id, event.nativeId);
    if (event.type === "state") setState(id, event.state);
    if (event.type === "result" && event.result.mark) marked(id, event.result.mark);
    const row = journal.sessions.get(id);
    if (!row) return;
    for (const ear of [...(ears.get(id) ?? [])]) ear.event(event);
    for (const observer of observers) observer(row, event);
  }

  function named(id: string, nativeId: string): void {
    if (journal.sessions.get(id)?.nativeId === nativeId) return;
    journal.write(() => journal.sessions.change(id, { nativeId, forkOf: null, forkAt: null }));
    void reporter.report(id);
  }

  /** A turn has ended there: copies that are made while the next one runs begin with it. */
  function marked(id: string, mark: string): void {
    if (journal.sessions.get(id)) journal.write(() => journal.sessions.change(id, { mark }));
  }

  function setState(id: string, state: SessionRow["state"]): void {
    const row = journal.sessions.get(id);
    if (!row || row.state === state || row.state === "dead") return;
    journal.write(() => journal.sessions.change(id, { state }));
    void reporter.report(id, { lastEventAt: new Date(time.wall()).toISOString() });
  }

  return {
    hear,
    setState,
    /** The process of a session has ended. */
    exited(id: string, exit: Exit): void {
      for (const ear of [...(ears.get(id) ?? [])]) ear.exited(exit);
    },
    listen(id: string, ear: SessionEar): () => void {
      const all = ears.get(id) ?? new Set();
      ears.set(id, all.add(ear));
      return () => {
        if (all.delete(ear) && all.size === 0) ears.delete(id);
      };
    },
  };
}
