import { getRouteApi } from "@tanstack/react-router";
import { api } from "../../api.ts";
import { type Search, writeSearch } from "../../search/query.ts";
import { FIELD } from "../../ui/fields.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import { Views } from "../../ui/views.tsx";
import { runRow } from "./row.tsx";

const route = getRouteApi("/runs");
const STATUSES = ["queued", "running", "waiting", "stopping", "ended"] as const;

/** Runs, newest first. */
export function RunsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { status, ...others } = search;
  const list = usePages(["runs", "list", search], (page, signal) =>
    api.runs.list({ ...search, limit: 100, page }, { signal }),
  );
  const shown: Search = { ...others, state: status };
  const apply = ({ state, ...next }: Search): void => {
    const known = STATUSES.find((one) => one === state);
    if (state !== undefined && known === undefined) void navigate({ to: "/search", search: { ...next, state } });
    else void navigate({ search: { project: undefined, ...next, status: known } });
  };
  const clear = (): void => void navigate({ search: { project: undefined } });
  const written = writeSearch(shown);
  const live = list.items.filter(({ status }) => status !== "ended").length;
  return (
    <Page
      title={list.isRead ? titleOf(list.items.length, live, list.hasMore) : "Runs"}
      actions={<Views page="runs" to="/runs" search={search} />}
      find={{ search: shown, apply }}
    >
      <Status />
      <Section title="Runs">
        <Listed
          list={list}
          what="runs"
          row={runRow}
          link={({ id }) => ({ to: "/runs/$id", params: { id } })}
          empty={
            <>
              No agent has run yet. Give one some work: <code className="font-mono">{'signalbox run <agent> "…"'}</code>
            </>
          }
          filter={written === "" ? undefined : { text: written, clear }}
        />
      </Section>
    </Page>
  );
}

function titleOf(count: number, live: number, hasMore: boolean): string {
  if (count === 0) return "No runs";
  const all = `${count}${hasMore ? "+" : ""} ${count === 1 ? "run" : "runs"}`;
  return live ? `${all}, ${live} under way` : `${all}, none under way`;
}

function Status() {
  const { status } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <select
      aria-label="Status"
      value={status ?? ""}
      onChange={({ target }) =>
        void navigate({
          search: (had) => ({ ...had, status: STATUSES.find((one) => one === target.value) }),
          replace: true,
        })
      }
      className={`${FIELD} mb-4`}
    >
      <option value="">all</option>
      {STATUSES.map((one) => (
        <option key={one}>{one}</option>
      ))}
    </select>
  );
}
