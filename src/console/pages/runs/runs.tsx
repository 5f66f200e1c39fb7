import { getRouteApi } from "@tanstack/react-router";
import { useRef } from "react";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { FIELD } from "../../ui/fields.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import { runRow } from "./row.tsx";

const route = getRouteApi("/runs");
const STATUSES = ["queued", "running", "waiting", "stopping", "ended"] as const;

/** Runs, newest first. */
export function RunsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { status, agent, project } = search;
  const list = usePages(["runs", "list", search], (page, signal) =>
    api.runs.list({ status, agent, project, limit: 100, page }, { signal }),
  );
  const written = Object.entries(search).flatMap(([name, value]) => (value ? [`${name}:${value}`] : []));
  const clear = (): void => void navigate({ search: {} });
  const live = list.items.filter(({ status }) => status !== "ended").length;
  return (
    <Page title={list.isRead ? titleOf(list.items.length, live, list.hasMore) : "Runs"}>
      <Filters />
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
          filter={written.length > 0 ? { text: written.join(" "), clear } : undefined}
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

function Filters() {
  const { status, agent, project } = route.useSearch();
  const navigate = route.useNavigate();
  const first = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => first.current?.focus() });
  const set = (change: { status?: typeof status; agent?: string; project?: string }): void =>
    void navigate({ search: (had) => ({ ...had, ...change }), replace: true });
  const field = (name: "agent" | "project", value: string | undefined) => (
    <input
      key={`${name} ${value}`}
      ref={name === "agent" ? first : undefined}
      defaultValue={value}
      placeholder={name === "agent" ? "agent" : "project"}
      aria-label={name === "agent" ? "Agent" : "Project"}
      onBlur={({ target }) => target.value !== (value ?? "") && set({ [name]: target.value || undefined })}
      onKeyDown={({ key, currentTarget }) => (key === "Enter" || key === "Escape") && currentTarget.blur()}
      className={`${FIELD} w-44 max-md:w-auto max-md:flex-1`}
    />
  );
  return (
    <div className="mb-4 flex flex-wrap gap-2">
      <select
        aria-label="Status"
        value={status ?? ""}
        onChange={({ target }) => set({ status: STATUSES.find((one) => one === target.value) })}
        className={FIELD}
      >
        <option value="">all</option>
        {STATUSES.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
      {field("agent", agent)}
      {field("project", project)}
    </div>
  );
}
