import type { LinkProps } from "@tanstack/react-router";
import type { Agent } from "../../../protocol/agents.ts";
import type { Message } from "../../../protocol/messages.ts";
import type { Run } from "../../../protocol/runs.ts";
import type { Session } from "../../../protocol/sessions.ts";
import type { ThreadSummary } from "../../../protocol/threads.ts";
import { visible } from "../../../protocol/visible.ts";
import type { List } from "../../../protocol/wire.ts";
import { api } from "../../api.ts";
import type { Search, SearchKind } from "../../search/query.ts";
import { STATES } from "../../search/values.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { agentRow } from "../fleet/agent-row.tsx";
import { sessionRow } from "../fleet/sessions.tsx";
import { runRow } from "../runs/row.tsx";

/** Something that a search found. */
export interface Found {
  row: RowParts;
  link: LinkProps;
}

interface Kind {
  id: SearchKind;
  name: string;
  /** Whether things of this kind can have what is looked for. */
  fits(search: Search): boolean;
  find(search: Search, how: { limit: number; page?: string | undefined }, signal: AbortSignal): Promise<List<Found>>;
}

const isOne = <State extends string>(states: readonly State[], state: string | undefined): State | undefined =>
  states.find((one) => one === state);

const shown = <Item,>({ items, nextPage }: List<Item>, found: (item: Item) => Found): List<Found> => ({
  items: items.map(found),
  nextPage,
});

const has = (text: string | undefined, ...in_: (string | null)[]): boolean =>
  text === undefined || in_.some((one) => one?.toLowerCase().includes(text.toLowerCase()));

/** Kinds of things, in the order in which a search shows them. */
export const KINDS: readonly Kind[] = [
  {
    ...{ id: "agents", name: "Agents" },
    fits: ({ state, pr }) => pr === undefined && (state === undefined || isOne(STATES.agents, state) !== undefined),
    async find({ project, agent, tag, state, q }, { limit, page }, signal) {
      const filter = { project, tag, status: isOne(STATES.agents, state) };
      const list = await api.agents.list({ ...filter, limit: 500, page }, { signal });
      const items = list.items.filter(
        ({ id, name, role, description, kind }) =>
          (kind === "provider" || agent === id) &&
          (agent === undefined || id === agent) &&
          has(q, id, name, role, description),
      );
      return { ...shown({ items: items.slice(0, limit), nextPage: null }, foundAgent), nextPage: list.nextPage };
    },
  },
  {
    ...{ id: "sessions", name: "Sessions" },
    fits: ({ state }) => state === undefined || isOne(STATES.sessions, state) !== undefined,
    async find({ project, agent, tag, pr, state, q }, { limit, page }, signal) {
      const filter = { project, agent, tag, pr, state: isOne(STATES.sessions, state) };
      const live = state === undefined && q === undefined ? ("true" as const) : undefined;
      const list = await api.sessions.list({ ...filter, live, limit: q ? 200 : limit, page }, { signal });
      const items = list.items.filter((one) => has(q, one.name, one.agentId, one.project, one.reason));
      return shown({ items: items.slice(0, limit), nextPage: list.nextPage }, foundSession);
    },
  },
  {
    ...{ id: "runs", name: "Runs" },
    fits: ({ state }) => state === undefined || isOne(STATES.runs, state) !== undefined,
    async find({ state, ...search }, how, signal) {
      return shown(await api.runs.list({ ...search, status: isOne(STATES.runs, state), ...how }, { signal }), foundRun);
    },
  },
  {
    ...{ id: "threads", name: "Threads" },
    fits: ({ state }) => state === undefined,
    async find({ agent, project, tag, pr, q }, how, signal) {
      return shown(
        await api.threads.list({ participant: agent, project, tag, pr, q, ...how }, { signal }),
        foundThread,
      );
    },
  },
  {
    ...{ id: "messages", name: "Messages" },
    fits: ({ state, q }) => state === undefined && q !== undefined,
    async find({ state: _, ...search }, how, signal) {
      return shown(await api.messages.list({ ...search, ...how }, { signal }), foundMessage("message"));
    },
  },
  {
    ...{ id: "work", name: "Work" },
    fits: ({ state }) => state === undefined || isOne(STATES.work, state) !== undefined,
    async find({ state, ...search }, how, signal) {
      const wanted = { ...search, state: isOne(STATES.work, state) ?? ("open" as const) };
      return shown(await api.messages.list({ ...wanted, ...how }, { signal }), foundMessage(`work, ${wanted.state}`));
    },
  },
];

const foundAgent = (agent: Agent): Found => ({
  row: { ...agentRow(agent), id: `agent ${agent.id}`, kind: "agent" },
  link: { to: "/agents/$id", params: { id: agent.id } },
});

const foundSession = (session: Session): Found => ({
  row: { ...sessionRow(session), kind: "session" },
  link: { to: "/sessions/$id", params: { id: session.id } },
});

const foundRun = (run: Run): Found => ({
  row: { ...runRow(run), kind: "run" },
  link: { to: "/runs/$id", params: { id: run.id } },
});

const cut = (text: string): string => visible(text.replace(/\s+/g, " ").slice(0, 160));

const foundThread = ({ id, title, lastMessage, participants, liveRuns, project }: ThreadSummary): Found => ({
  row: {
    ...{ id: `thread ${id}`, glyph: liveRuns > 0 ? "working" : "settled", kind: "thread" },
    ...(lastMessage && { since: lastMessage.createdAt }),
    what: <strong>{cut(title ?? `Thread ${id}`)}</strong>,
    why: visible([project, participants.filter((name) => name !== "user").join(", ")].filter(Boolean).join(" · ")),
  },
  link: { to: "/threads/$id", params: { id: String(id) } },
});

const foundMessage =
  (kind: string) =>
  ({ id, threadId, from, to, subject, body, encoding, createdAt }: Message): Found => ({
    row: {
      ...{ id: `${kind} ${id}`, glyph: kind === "message" ? "settled" : "open", kind, since: createdAt },
      what: (
        <>
          <strong>{visible(from)}</strong> {cut(encoding === "plain" ? (subject ?? body) : "encrypted")}
        </>
      ),
      why: visible(`${id} to ${to}`),
    },
    link: { to: "/threads/$id", params: { id: String(threadId ?? id) } },
  });
