/** Posts of which the last edit is remembered. */
const KEPT = 1000;

/**
 * Edits of posts. A mark on a pressed button and an edit may come at the same time: the edit comes last, and stands.
 */
export function createEdits() {
  const marking = new Map<string, Promise<void>>();
  const edited = new Set<string>();
  return {
    /** Marks a post, unless it was edited. A failure is ignored. */
    async mark(externalId: string, step: () => Promise<unknown>): Promise<void> {
      if (edited.has(externalId)) return;
      const done = step().then(
        () => undefined,
        () => undefined,
      );
      marking.set(externalId, done);
      await done;
      if (marking.get(externalId) === done) marking.delete(externalId);
    },
    async change(externalId: string, step: () => Promise<unknown>): Promise<void> {
      edited.add(externalId);
      const [oldest] = edited;
      if (edited.size > KEPT && oldest !== undefined) edited.delete(oldest);
      await marking.get(externalId);
      await step();
    },
  };
}

export type Edits = ReturnType<typeof createEdits>;
