import type { Activity } from "../../../protocol/activity.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { Button } from "../../ui/button.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { useRestore } from "./delete-agent.tsx";

/** Agents that were deleted and not restored since, the last first. For operators. */
export function Deleted() {
  const deleted = usePages(["agents", "deleted"], (page, signal) =>
    api.activity({ verb: "agent.deleted", limit: 100, page }, { signal }),
  );
  const restored = usePages(["agents", "restored"], (page, signal) =>
    api.activity({ verb: "agent.restored", limit: 500, page }, { signal }),
  );
  const restore = useRestore();
  const seen = new Set<string>();
  const back = new Map(restored.items.map(({ subject, id }): [string, number] => [subject, id]).reverse());
  const items = deleted.items.filter(({ subject, id }) => {
    const isLast = !seen.has(subject);
    seen.add(subject);
    return isLast && (back.get(subject) ?? 0) < id;
  });
  return (
    <Section title="Deleted agents">
      <Listed
        list={{ ...deleted, items, isRead: deleted.isRead && restored.isRead }}
        what="deleted agents"
        row={deletedRow}
        open={({ subject }) => (
          <Button disabled={restore.isPending} onClick={() => restore.mutate(subject)}>
            {`Restore ${visible(subject)}`}
          </Button>
        )}
        empty="No agent was deleted."
      />
    </Section>
  );
}

const deletedRow = ({ id, subject, at, person, actor }: Activity): RowParts => ({
  ...{ id: `${id}`, glyph: "aborted", since: at },
  what: <strong>{visible(subject)}</strong>,
  why: visible(`by ${person ?? actor}`),
});
