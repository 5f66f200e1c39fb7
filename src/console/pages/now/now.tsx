import { useQuery } from "@tanstack/react-query";
import { api } from "../../api.ts";
import { Age } from "../../ui/age.tsx";
import { Glyph } from "../../ui/glyph.tsx";
import { Empty, Failure, Loading } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";

/** Things that need a person, first. */
export function NowPage() {
  const open = useQuery({
    queryKey: ["approvals", "pending"],
    queryFn: ({ signal }) => api.approvals.list({ state: "pending", limit: 50 }, { signal }),
  });
  const items = open.data?.items ?? [];
  return (
    <Page
      title={items.length ? `${items.length} ${items.length === 1 ? "thing needs" : "things need"} you` : "All quiet"}
    >
      <Section title="Needs you">
        {open.isPending && <Loading what="what needs you" />}
        {open.error && <Failure error={open.error} retry={() => void open.refetch()} />}
        {open.data && items.length === 0 && <Empty>Nothing needs you.</Empty>}
        <ul>
          {items.map(({ id, agentId, title, kind, createdAt }) => (
            <li
              key={id}
              className="grid grid-cols-[12px_1fr_auto_56px] items-start gap-3 border-b border-line px-3 py-2"
            >
              <span className="mt-1">
                <Glyph name="you" />
              </span>
              <span>
                <strong>{agentId}</strong> {title}
              </span>
              <span className="text-small text-ink2">{kind}</span>
              <Age since={createdAt} className="text-right" />
            </li>
          ))}
        </ul>
      </Section>
    </Page>
  );
}
