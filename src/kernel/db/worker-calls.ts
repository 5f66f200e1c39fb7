export interface SearchAsk {
  /** FTS5 query; see `matchOf`. */
  match: string;
  /** Agent whose own entries and memberships limit the hits, when its groups are too many for `match`. */
  member: string | null;
  /** Places, excluded. */
  before: number;
  after: number;
  limit: number;
  /** Milliseconds after which the hits so far are the answer. */
  milliseconds: number;
}

/** Ids, newest first. `reached`: place at which the search stopped; `null` at the end of the log. */
export interface SearchAnswer {
  ids: number[];
  reached: number | null;
}

/** Messages to the worker and back. */
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

/** Calls that the worker takes; see worker.ts. */
export interface OffThreadTasks {
  search: { ask: SearchAsk; answer: SearchAnswer };
  backup: { ask: { to: string }; answer: { bytes: number; head: number } };
  /** Rows of a read that is too long for the main thread. */
  rows: {
    ask: { sql: string; params: readonly (string | number)[] };
    answer: Record<string, string | number | null>[];
  };
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
