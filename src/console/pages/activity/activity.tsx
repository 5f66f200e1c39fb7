import { useQuery } from "@tanstack/react-query";
import type { Activity } from "../../../protocol/activity.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useUnnarrowed } from "../../frame/projects.ts";
import { useWho } from "../../frame/who.ts";
import { Button } from "../../ui/button.tsx";
import { deviceText } from "../../ui/device.ts";
import { Exact } from "../../ui/exact.tsx";
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
      <Empty>{`${visible(name)} is a member: operators and viewers read it.`}</Empty>
    </Page>
  );
}

function Acts() {
  const list = usePages(["activity"], (page, signal) => api.activity({ limit: 100, page }, { signal }));
  const names = useNames();
  const [newest] = list.items;
  return (
    <Page
      facts={useUnnarrowed()}
      title={newest ? `The last act: ${visible(byOf(newest, names))} ${verbText(newest.verb)}` : "Activity"}
      actions={<Button onClick={() => void list.refetch()}>Read again</Button>}
    >
      <Section title="Activity">
        <Listed
          list={list}
          what="activity"
          row={(act) => actRow(act, names)}
          open={({ data }) => <Exact>{JSON.stringify(data, null, 2)}</Exact>}
          empty="Nothing was done yet."
        />
      </Section>
    </Page>
  );
}

type Names = ReadonlyMap<string, string>;

/** Names of tokens, for those who may list them. */
function useNames(): Names {
  const { isOperator } = useWho();
  const { data } = useQuery({
    queryKey: ["tokens", "names"],
    queryFn: ({ signal }) => api.tokens.list({ limit: 500 }, { signal }),
    enabled: isOperator,
  });
  return new Map(
    data?.items.map(({ id, name, agentId, source, role }) => [id, deviceText(name ?? agentId ?? source ?? role)]),
  );
}

const byOf = ({ person, actor }: Activity, names: Names): string => person ?? names.get(actor) ?? actor;

/** `sign in link created` for `sign-in-link.created`. */
const verbText = (verb: string): string => visible(verb.replace(/[.-]/g, " "));

function actRow(act: Activity, names: Names): RowParts {
  const { id, at, verb, subject, actor } = act;
  const by = byOf(act, names);
  return {
    ...{ id: `${id}`, glyph: "settled", since: at },
    what: (
      <>
        <strong>{visible(by)}</strong> {verbText(verb)}{" "}
        {subject !== actor && <code className="font-mono text-small">{visible(names.get(subject) ?? subject)}</code>}
      </>
    ),
    why: by !== actor && visible(actor),
  };
}
