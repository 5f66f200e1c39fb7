import { api } from "../../api.ts";
import { Listed } from "../../ui/listed.tsx";
import { Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import { runRow } from "../runs/row.tsx";

/** Runs of an agent or a session, newest first. */
export function AgentRuns(of: { agent: string } | { sessionId: string }) {
  const list = usePages(["runs", "of", of], (page, signal) => api.runs.list({ ...of, limit: 50, page }, { signal }));
  return (
    <Section title="Runs">
      <Listed
        list={list}
        what="runs"
        row={runRow}
        link={({ id }) => ({ to: "/runs/$id", params: { id } })}
        empty="It has not run anything yet."
      />
    </Section>
  );
}
