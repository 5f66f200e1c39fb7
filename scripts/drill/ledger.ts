/** What a send that was answered 2xx was about. */
export interface Accepted {
  key: string;
  from: string;
  to: string;
  body: string;
  claimable: boolean;
  /** Its id, or that of the schedule it became. */
  id: number | string;
}

/** A message as it was seen anywhere. */
export interface Sighting {
  id: number;
  from: string;
  body: string;
  createdAt: string;
  idempotencyKey: string | null;
}

/** What the relay has promised, and each time it broke a promise. */
export interface Ledger {
  readonly accepted: ReadonlyMap<string, Accepted>;
  /** By message: who completed it. */
  readonly completed: ReadonlyMap<number, string>;
  readonly violations: readonly string[];
  violate(what: string): void;
  /** A send was answered: the first time, or again. */
  accept(sent: Accepted): void;
  complete(id: number, by: string): void;
  /** A message was seen: under its id there is only ever this one. */
  see(message: Sighting): void;
}

const MAX_VIOLATIONS = 50;

export function createLedger(): Ledger {
  const accepted = new Map<string, Accepted>();
  const completed = new Map<number, string>();
  const seen = new Map<number, string>();
  const violations: string[] = [];

  function violate(what: string): void {
    if (violations.length < MAX_VIOLATIONS) violations.push(what);
  }
  return {
    accepted,
    completed,
    violations,
    violate,
    accept(sent) {
      const before = accepted.get(sent.key);
      if (before && before.id !== sent.id) violate(`G5: key ${sent.key} gave ${before.id}, then ${sent.id}`);
      accepted.set(sent.key, before ?? sent);
    },
    complete(id, by) {
      const before = completed.get(id);
      if (before !== undefined) violate(`G4: ${by} completed ${id}, which ${before} had completed`);
      completed.set(id, by);
    },
    see({ id, from, body, createdAt, idempotencyKey }) {
      const name = `${from} ${idempotencyKey ?? `${createdAt} ${body}`}`;
      const before = seen.get(id);
      if (before !== undefined && before !== name) violate(`G2: id ${id} was ${before}, then ${name}`);
      seen.set(id, name);
    },
  };
}
