export interface SearchAsk {
  /** The FTS5 query; see `matchOf`. */
  match: string;
  /** Only what this agent sent, or belonged to when it was appended: for those whose groups `match` cannot name. */
  member: string | null;
  /** Places, not included. */
  before: number;
  after: number;
  limit: number;
  /** After so many milliseconds what was found is the answer. */
  milliseconds: number;
}

/** Ids, newest first; `reached` is where looking ended, null at the end of the log. */
export interface SearchAnswer {
  ids: number[];
  reached: number | null;
}

/** What goes to the worker and what comes back. */
export interface WorkerCall {
  id: number;
  task: keyof OffThreadTasks;
  file: string;
  ask: unknown;
}

export interface WorkerReply {
  id: number;
  answer?: unknown;
  error?: string;
}

/** What the worker can be asked; see worker.ts. */
export interface OffThreadTasks {
  search: { ask: SearchAsk; answer: SearchAnswer };
  backup: { ask: { to: string }; answer: { bytes: number; head: number } };
  check: { ask: Record<string, never>; answer: { problems: string[] } };
  counts: {
    ask: Record<string, never>;
    answer: {
      messages: number;
      work: Record<string, number>;
      tasks: Record<string, number>;
      oldestOpenAt: number | null;
      bytes: number;
      walBytes: number;
    };
  };
}
