import type { Session } from "../../../protocol/sessions.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useProject } from "../../frame/projects.ts";
import { moneyText } from "../../ui/amounts.ts";
import { Listed } from "../../ui/listed.tsx";
import { Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { sessionState } from "../../ui/states.ts";

/** Sessions, newest first; of one agent when it is named. */
export function Sessions({ agent }: { agent?: string }) {
  const { project } = useProject();
  const list = usePages(["sessions", "list", agent, project], (page, signal) =>
    api.sessions.list({ limit: 100, page, agent, project }, { signal }),
  );
  return (
    <Section title="Sessions">
      <Listed
        list={list}
        what="sessions"
        row={sessionRow}
        link={({ id }) => ({ to: "/sessions/$id", params: { id } })}
        empty={agent ? "No orchestrator runs it." : "No session yet. An orchestrator on a machine starts them."}
      />
    </Section>
  );
}

/** Place of a session's person, in words. */
export function placeText(place: Session["place"]): string {
  if (place === null) return "no place";
  if (place === "user") return "the console and the terminal";
  if ("threadId" in place) return `thread ${place.threadId}`;
  return `${place.conversation.channelId}, ${place.conversation.conversationId}`;
}

/** A session as a row. */
export function sessionRow(session: Session): RowParts {
  const { glyph, word, colour } = sessionState(session);
  const { id, agentId, name, lane, place, queued, usage, provider, startedAt, lastEventAt, project } = session;
  const facts = [
    name,
    lane === "main" ? placeText(place) : lane,
    project,
    queued > 0 ? `${queued} wait` : "",
    moneyText(usage?.costUsd),
  ];
  return {
    ...{ id, glyph, kind: provider, since: lastEventAt ?? startedAt },
    what: (
      <>
        <strong>{agentId}</strong> <span className={`text-small ${colour}`}>{visible(word)}</span>
      </>
    ),
    why: visible(facts.filter(Boolean).join(" · ")),
  };
}
