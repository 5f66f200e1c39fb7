import { useQuery } from "@tanstack/react-query";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useProject } from "../../frame/projects.ts";
import { countText } from "../../ui/amounts.ts";
import { Section } from "../../ui/page.tsx";
import { GroupActs } from "./group-acts.tsx";

/** Dead letters of one target and error, where there are several: acted on together. */
export function Causes() {
  const { project } = useProject();
  const { data } = useQuery({
    queryKey: ["attention", "dead", project],
    queryFn: ({ signal }) => api.attention.list({ kind: "dead", snoozed: "true", project }, { signal }),
  });
  const groups = (data?.items ?? []).filter(({ count }) => count > 1);
  if (groups.length === 0) return null;
  return (
    <Section title="Same cause">
      <ul>
        {groups.map((group) => (
          <li key={group.id} className="flex flex-wrap items-center gap-3 border-b border-line px-3 py-2">
            <span className="min-w-48 flex-1 wrap-anywhere">
              <strong>{`${countText(group.count)} × `}</strong>
              {visible(group.subject.title)}
              <span className="block text-small text-ink3">{visible(group.reason)}</span>
            </span>
            <GroupActs group={group} />
          </li>
        ))}
      </ul>
    </Section>
  );
}
