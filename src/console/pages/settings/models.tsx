import { Link } from "@tanstack/react-router";
import type { Model } from "../../../protocol/models.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { counted } from "./words.ts";

/** Models that agents can be told to use, and the agents that have each. */
export function ModelsSection() {
  const list = usePages(["models"], (page, signal) => api.models.list({ limit: 100, page }, { signal }));
  return (
    <Page
      title={list.isRead ? counted(list, "model", "models") : "Models"}
      facts="Agents tell which models they have. A schedule, a run or a chat may name one."
    >
      <Section title="Models">
        <Listed
          list={list}
          what="models"
          row={modelRow}
          open={(model) => <Holders model={model} />}
          empty="No agent has told which models it has."
        />
      </Section>
    </Page>
  );
}

const modelRow = ({ id, name, provider, agents, agentCount }: Model): RowParts => ({
  ...{ id, glyph: "idle", kind: provider === null ? "" : visible(provider) },
  what: (
    <>
      <strong>{visible(name)}</strong> <code className="font-mono text-small text-ink3">{visible(id)}</code>
    </>
  ),
  why: `${agentCount} ${agentCount === 1 ? "agent has" : "agents have"} it · default of ${agents.filter(({ isDefault }) => isDefault).length}`,
});

const Holders = ({ model: { agents, agentCount } }: { model: Model }) => (
  <ul className="text-small">
    {agents.map(({ agentId, name, isDefault }) => (
      <li key={agentId} className="py-0.5">
        <Link to="/agents/$id" params={{ id: agentId }} className="text-accent underline">
          {agentId}
        </Link>{" "}
        <span className="text-ink2">{`calls it ${visible(name)}${isDefault ? ", its default" : ""}`}</span>
      </li>
    ))}
    {agentCount > agents.length && <li className="py-0.5 text-ink3">{`and ${agentCount - agents.length} more`}</li>}
  </ul>
);
