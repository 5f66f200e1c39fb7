import { getRouteApi } from "@tanstack/react-router";
import type { WorkState } from "../../../protocol/messages.ts";
import { api } from "../../api.ts";
import { useProject } from "../../frame/projects.ts";
import { useWho } from "../../frame/who.ts";
import { BulkProgress } from "../../ui/bulk.tsx";
import { useChosen, useGone } from "../../ui/chosen.ts";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import { Views } from "../../ui/views.tsx";
import { ActBar } from "./act-bar.tsx";
import { Causes } from "./causes.tsx";
import { Filters } from "./filters.tsx";
import { type Item, WORDS, Work, workRow } from "./message.tsx";
import { Parts } from "./parts.tsx";
import { Tasks } from "./tasks.tsx";

const route = getRouteApi("/work");

/** Tasks, and claimable messages by the state of their work. */
export function WorkPage() {
  const search = route.useSearch();
  return search.show === "tasks" ? <Tasks /> : <Messages key={JSON.stringify(search)} />;
}

function Messages() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { state = "open", target, topic, kind, from } = search;
  const { isOperator } = useWho();
  const { project } = useProject();
  const named = { target, topic, kind, from };
  const written = Object.entries(named).flatMap(([name, value]) => (value ? [`${name}:${value}`] : []));
  const isPlain = written.length === 0;
  const list = usePages<Item>(["work", search], (page, signal) =>
    state === "dead" && isOperator && isPlain && project === undefined
      ? api.claims.deadLetters({ limit: 100, page }, { signal })
      : api.messages.list({ state, to: target, topic, kind, from, project, limit: 100, page }, { signal }),
  );
  const chosen = useChosen();
  const isActed = isOperator && state !== "done";
  useGone(chosen, list.items);
  const count = list.items.length;
  const title = titleOf(state, count, list.hasMore);
  return (
    <Page title={list.isRead ? title : "Work"} actions={<Views page="work" to="/work" search={search} />}>
      <Parts />
      <Filters />
      <BulkProgress />
      {state === "dead" && isOperator && isPlain && <Causes />}
      <Section title="Work">
        {isActed && count > 0 && (
          <ActBar state={state} named={{ ...named, project }} chosen={chosen} shown={count} hasMore={list.hasMore} />
        )}
        <Listed
          list={list}
          what="work"
          row={workRow}
          open={(message) => <Work message={message} />}
          empty={state === "dead" ? "No work has failed for good." : `Nothing is ${WORDS[state]}.`}
          filter={
            isPlain
              ? undefined
              : { text: written.join(" "), clear: () => void navigate({ search: { state: search.state } }) }
          }
          {...(isActed && { chosen })}
        />
      </Section>
    </Page>
  );
}

function titleOf(state: WorkState, count: number, hasMore: boolean): string {
  const number = `${count || "No"}${hasMore && count > 0 ? "+" : ""}`;
  if (state === "dead") return `${number} dead ${count === 1 ? "letter" : "letters"}`;
  return `${number} ${count <= 1 ? "message is" : "messages are"} ${WORDS[state]}`;
}
