import type { Orchestrator } from "../../../protocol/orchestrators.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useProject } from "../../frame/projects.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Facts } from "../../ui/exact.tsx";
import type { GlyphName } from "../../ui/glyph.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";

const GLYPH: Record<Orchestrator["status"], GlyphName> = { online: "held", draining: "waits", offline: "away" };
const WORD: Record<Orchestrator["status"], string> = {
  online: "online",
  draining: "starts nothing new",
  offline: "away",
};
const MODE: Record<Orchestrator["approvalMode"], string> = {
  ask: "a person allows each spawn",
  open: "spawns begin at once",
  closed: "nothing is spawned",
};

/** Machines with an orchestrator. */
export function Machines() {
  const { project } = useProject();
  const list = usePages(["orchestrators", project], (page, signal) =>
    api.orchestrators.list({ limit: 100, page, project }, { signal }),
  );
  return (
    <Section title="Machines">
      <Listed
        list={list}
        what="machines"
        row={machineRow}
        open={(machine) => <Machine machine={machine} />}
        empty={
          project ? (
            `No machine has a live session in ${visible(project)}.`
          ) : (
            <>
              No machine starts agents yet. On one of yours:{" "}
              <code className="font-mono">signalbox orchestrator init</code>
            </>
          )
        }
      />
    </Section>
  );
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

function machineRow({ id, hostname, status, stoppedAt, load, providers, lastSeenAt }: Orchestrator): RowParts {
  const work = load
    ? [
        `${load.working ?? 0} of ${load.sessions ?? 0} sessions work`,
        load.queued ? `${load.queued} messages wait` : "",
        load.cpu === undefined ? "" : `processors ${percent(load.cpu)}`,
        load.memory === undefined ? "" : `memory ${percent(load.memory)}`,
      ]
    : [];
  return {
    ...{
      id,
      glyph: stoppedAt === null ? GLYPH[status] : "aborted",
      since: lastSeenAt,
      kind: visible(providers.map(({ name }) => name).join(", ")),
    },
    what: (
      <>
        <strong>{id}</strong> {hostname !== id && visible(hostname)}{" "}
        <span className="text-small text-ink2">{stoppedAt === null ? WORD[status] : "stopped"}</span>
      </>
    ),
    why: work.filter(Boolean).join(" · "),
  };
}

function Machine({ machine }: { machine: Orchestrator }) {
  const { isOperator } = useWho();
  const drain = useAct(async (status: "online" | "draining") => {
    await api.orchestrators.patch(machine.id, { status });
    const back = status === "online" ? "draining" : "online";
    return {
      said: `${machine.id} ${WORD[status]}`,
      undo: () => api.orchestrators.patch(machine.id, { status: back }),
    };
  });
  const { baseDir, version, approvalMode, spawners, providers, status } = machine;
  return (
    <>
      <Facts
        items={[
          <code key="base" className="font-mono">
            {visible(baseDir)}
          </code>,
          version && `version ${version}`,
          MODE[approvalMode],
          spawners.length > 0 && `spawned by ${visible(spawners.join(", "))}`,
          ...providers.map(({ name, version: its }) => visible(its ? `${name} ${its}` : name)),
        ]}
      />
      {isOperator && status !== "offline" && (
        <Button disabled={drain.isPending} onClick={() => drain.mutate(status === "online" ? "draining" : "online")}>
          {status === "online" ? "Start nothing new" : "Start again"}
        </Button>
      )}
    </>
  );
}
