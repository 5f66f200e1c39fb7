import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { TASK_STATUSES, type Task, type TaskStatus } from "../../../protocol/tasks.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useProject } from "../../frame/projects.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Exact, Facts } from "../../ui/exact.tsx";
import { FIELD } from "../../ui/fields.tsx";
import type { GlyphName } from "../../ui/glyph.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { clockText } from "../../ui/states.ts";
import { SureButton } from "../../ui/sure.tsx";
import { Views } from "../../ui/views.tsx";
import { Lease } from "./message.tsx";
import { Parts } from "./parts.tsx";

const route = getRouteApi("/work");

const GLYPHS: Record<TaskStatus, GlyphName> = {
  ...{ open: "open", claimed: "held", in_progress: "held", blocked: "waits" },
  ...{ done: "ok", failed: "error", cancelled: "aborted" },
};
const plain = (status: TaskStatus): string => status.replace("_", " ");
const isOver = (status: TaskStatus): boolean => status === "done" || status === "failed" || status === "cancelled";

/** Tasks, newest first. */
export function Tasks() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { status, target } = search;
  const { project } = useProject();
  const list = usePages(["work", "tasks", search], (page, signal) =>
    api.tasks.list({ status, target, project, limit: 100, page }, { signal }),
  );
  const set = (change: object): void => void navigate({ search: (had) => ({ ...had, ...change }), replace: true });
  const open = list.items.filter((task) => !isOver(task.status)).length;
  const count = `${list.items.length}${list.hasMore ? "+" : ""}`;
  const title = list.items.length === 0 ? "No tasks" : `${count} ${count === "1" ? "task" : "tasks"}, ${open} not done`;
  const written = [status && `status:${status}`, target && `target:${target}`].filter(Boolean).join(" ");
  return (
    <Page title={list.isRead ? title : "Tasks"} actions={<Views page="work" to="/work" search={search} />}>
      <Parts />
      <div className="mb-4 flex flex-wrap gap-2">
        <select
          aria-label="Status"
          value={status ?? ""}
          onChange={(event) => set({ status: event.target.value || undefined })}
          className={FIELD}
        >
          <option value="">all</option>
          {TASK_STATUSES.map((one) => (
            <option key={one} value={one}>
              {plain(one)}
            </option>
          ))}
        </select>
        <input
          key={target}
          defaultValue={target}
          placeholder="target"
          aria-label="Target"
          onBlur={(event) => set({ target: event.target.value.trim() || undefined })}
          onKeyDown={({ key, currentTarget }) => (key === "Enter" || key === "Escape") && currentTarget.blur()}
          className={`${FIELD} w-44 max-md:w-auto max-md:flex-1`}
        />
      </div>
      <Section title="Tasks">
        <Listed
          list={list}
          what="tasks"
          row={taskRow}
          open={(task) => <TaskOpen task={task} />}
          empty="No task yet: integrations report them, and agents and people make them."
          filter={
            written === "" ? undefined : { text: written, clear: () => void navigate({ search: { show: "tasks" } }) }
          }
        />
      </Section>
    </Page>
  );
}

function taskRow(task: Task): RowParts {
  const { id, title, status, severity, target, holder, source, count, updatedAt, externalUrl } = task;
  const facts = [
    holder ? `${plain(status)} by ${holder}` : plain(status),
    target && `for ${target}`,
    source && `from ${source}`,
    count > 1 && `reported ${count} times`,
  ];
  return {
    ...{ id, glyph: GLYPHS[status], kind: severity, since: updatedAt, web: externalUrl },
    what: <strong>{visible(title)}</strong>,
    why: visible(facts.filter(Boolean).join(" · ")),
  };
}

function TaskOpen({ task }: { task: Task }) {
  const { id, body, status, messageId, externalUrl, holder } = task;
  const { isOperator } = useWho();
  const { data } = useQuery({
    queryKey: ["work", "task", id],
    queryFn: ({ signal }) => api.tasks.get(id, { limit: 20 }, { signal }),
  });
  const message = useQuery({
    queryKey: ["work", "message", messageId],
    queryFn: ({ signal }) => api.messages.get(messageId ?? 0, { signal }),
    enabled: messageId !== null && holder !== null,
  });
  const claim = message.data?.claim;
  const set = useAct(async (to: "done" | "cancelled") => {
    await api.tasks.setStatus(id, { status: to });
    return { said: `${id} is ${to}` };
  });
  return (
    <>
      {body !== "" && <Exact>{body}</Exact>}
      <Facts
        items={[
          id,
          externalUrl && (
            <a href={externalUrl} target="_blank" rel="noreferrer" className="text-accent underline">
              {new URL(externalUrl).host}
            </a>
          ),
          messageId !== null && (
            <Link to="/threads/$id" params={{ id: String(messageId) }} className="text-accent underline">
              {`message ${messageId}`}
            </Link>
          ),
          claim ? <Lease key="lease" {...claim} /> : holder && `held by ${holder}`,
        ]}
      />
      <ol className="mb-2 text-small text-ink2">
        {(data?.events ?? []).map(({ at, actor, to, note, count }) => (
          <li key={`${at} ${to} ${note}`} className="wrap-anywhere">
            {`${clockText(at)} ${visible(actor)}: ${plain(to)}${note ? `, ${visible(note)}` : ""}${count > 1 ? ` × ${count}` : ""}`}
          </li>
        ))}
      </ol>
      {isOperator && !isOver(status) && (
        <div className="flex flex-wrap gap-2">
          <Button disabled={set.isPending} onClick={() => set.mutate("done")}>
            It is done
          </Button>
          <SureButton sure="Cancel it for good" disabled={set.isPending} onClick={() => set.mutate("cancelled")}>
            Cancel it
          </SureButton>
        </div>
      )}
    </>
  );
}
