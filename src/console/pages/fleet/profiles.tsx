import { lazy, Suspense, useState } from "react";
import type { Profile } from "../../../protocol/profiles.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useUnnarrowed } from "../../frame/projects.ts";
import { useWho } from "../../frame/who.ts";
import { Button } from "../../ui/button.tsx";
import { DeleteButton } from "../../ui/delete-button.tsx";
import { Exact, Facts } from "../../ui/exact.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";

const ProfileDialog = lazy(async () => ({ default: (await import("./profile-dialog.tsx")).ProfileDialog }));

/** Profiles: how agents are started. */
export function Profiles() {
  const list = usePages(["profiles"], (page, signal) => api.profiles.list({ limit: 100, page }, { signal }));
  const { isOperator } = useWho();
  const [isMade, setMade] = useState(false);
  return (
    <Section title="Profiles" note={useUnnarrowed()}>
      {isOperator && (
        <Button className="my-2" onClick={() => setMade(true)}>
          Make a profile…
        </Button>
      )}
      {isMade && (
        <Suspense>
          <ProfileDialog close={() => setMade(false)} />
        </Suspense>
      )}
      <Listed
        list={list}
        what="profiles"
        row={profileRow}
        open={(profile) => <Open profile={profile} />}
        empty="No profile yet. It says how an agent is started, and what is wanted of it."
      />
    </Section>
  );
}

const profileRow = ({ name, provider, model, agents, updatedAt }: Profile): RowParts => ({
  ...{ id: name, glyph: "settled", kind: provider, since: updatedAt },
  what: <strong>{visible(name)}</strong>,
  why: [model, agents.map(({ agentId, desired }) => `${agentId} ${desired}`).join(", ")]
    .filter(Boolean)
    .map((fact) => visible(fact ?? ""))
    .join(" · "),
});

function Open({ profile }: { profile: Profile }) {
  const { systemPrompt, cwd, worktree, onLimit, onStuck, restart, caps, tools } = profile;
  return (
    <>
      <Facts
        items={[
          cwd && `in ${visible(cwd)}`,
          worktree && "in git worktrees of their own",
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
      <ProfileVerbs profile={profile} />
    </>
  );
}

function ProfileVerbs({ profile }: { profile: Profile }) {
  const { isOperator } = useWho();
  const [isChanged, setChanged] = useState(false);
  if (!isOperator) return null;
  return (
    <div className="flex flex-wrap gap-2 pt-2">
      <Button onClick={() => setChanged(true)}>Change…</Button>
      <DeleteButton
        list="profiles"
        sure="Delete it: what runs by it goes on"
        act={() => api.profiles.delete(profile.name).then(() => `${profile.name} is deleted`)}
      >
        Delete…
      </DeleteButton>
      {isChanged && (
        <Suspense>
          <ProfileDialog profile={profile} close={() => setChanged(false)} />
        </Suspense>
      )}
    </div>
  );
}
