import type { Profile } from "../../../protocol/profiles.ts";
import { api } from "../../api.ts";
import { Exact, Facts, visible } from "../../ui/exact.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";

/** Profiles: how agents are started. */
export function Profiles() {
  const list = usePages(["profiles"], (page, signal) => api.profiles.list({ limit: 100, page }, { signal }));
  return (
    <Section title="Profiles">
      <Listed
        list={list}
        what="profiles"
        row={profileRow}
        open={(profile) => <Open profile={profile} />}
        empty={
          <>
            No profile yet. One is made with <code className="font-mono">signalbox profiles put</code>.
          </>
        }
      />
    </Section>
  );
}

const profileRow = ({ name, provider, model, agents, updatedAt }: Profile): RowParts => ({
  ...{ id: name, glyph: "settled", kind: provider, since: updatedAt },
  what: <strong>{name}</strong>,
  why: [model, agents.map(({ agentId, desired }) => `${agentId} ${desired}`).join(", ")]
    .filter(Boolean)
    .map((fact) => visible(fact ?? ""))
    .join(" · "),
});

function Open({ profile }: { profile: Profile }) {
  const { systemPrompt, cwd, onLimit, onStuck, restart, caps, tools } = profile;
  return (
    <>
      <Facts
        items={[
          cwd && `in ${visible(cwd)}`,
          onLimit === "wait" ? "waits at a limit" : `hands over to ${onLimit.handOver} at a limit`,
          onStuck.length > 0 &&
            `when stuck: ${onStuck.map((step) => `${step.do} after ${step.afterSeconds} s`).join(", ")}`,
          restart && `restarts ${restart.policy}, ${restart.maxPerHour} an hour`,
          tools?.allow && `allows ${visible(tools.allow.join(", "))}`,
          tools?.deny && `denies ${visible(tools.deny.join(", "))}`,
        ]}
      />
      {caps && <Exact>{JSON.stringify(caps, null, 2)}</Exact>}
      {systemPrompt && <Exact>{systemPrompt}</Exact>}
    </>
  );
}
