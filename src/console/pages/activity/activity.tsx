import type { Activity } from "../../../protocol/activity.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { Button } from "../../ui/button.tsx";
import { Exact, visible } from "../../ui/exact.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Empty } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";

/** Administrative acts: who did what, and when. */
export function ActivityPage() {
  const { role, name } = useWho();
  if (role !== "member") return <Acts />;
  return (
    <Page title="Activity is not yours to see">
      <Empty>{`${name} is a member: operators and viewers read it.`}</Empty>
    </Page>
  );
}

function Acts() {
  const list = usePages(["activity"], (page, signal) => api.activity({ limit: 100, page }, { signal }));
  const [newest] = list.items;
  return (
    <Page
      title={newest ? visible(`${byOf(newest)} did last: ${newest.verb}`) : "Activity"}
      actions={<Button onClick={() => void list.refetch()}>Read again</Button>}
    >
      <Section title="Activity">
        <Listed
          list={list}
          what="activity"
          row={actRow}
          open={({ data }) => <Exact>{JSON.stringify(data, null, 2)}</Exact>}
          empty="Nothing was done yet."
        />
      </Section>
    </Page>
  );
}

const byOf = ({ person, actor }: Activity): string => person ?? actor;

function actRow(act: Activity): RowParts {
  const { id, at, verb, subject, actor, person } = act;
  return {
    ...{ id: `${id}`, glyph: "settled", since: at },
    what: (
      <>
        <strong>{visible(byOf(act))}</strong> {visible(verb)}{" "}
        <code className="font-mono text-small">{visible(subject)}</code>
      </>
    ),
    why: person !== null && visible(actor),
  };
}
