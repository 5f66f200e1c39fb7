import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { HoldScope } from "../../protocol/holds.ts";
import { api } from "../api.ts";
import { say } from "../ui/act.ts";
import { Dialog } from "../ui/dialog.tsx";
import { FIELD, Labelled } from "../ui/fields.tsx";
import { useSave } from "../ui/save.ts";

const SCOPES = { all: "Everything", project: "A project", machine: "A machine", tag: "A tag" } as const;
type Kind = keyof typeof SCOPES;

function scopeOf(kind: Kind, of: string): HoldScope {
  if (kind === "all") return "all";
  if (kind === "project") return { project: of };
  return kind === "tag" ? { tag: of } : { orchestratorId: of };
}

/** Holds everything in a scope, for a reason. */
export function HoldDialog({ close }: { close(): void }) {
  const cache = useQueryClient();
  const [kind, setKind] = useState<Kind>("all");
  const [of, setOf] = useState("");
  const [mode, setMode] = useState<"interrupt" | "kill">("interrupt");
  const [reason, setReason] = useState("");
  const hold = useSave({
    act: () => api.holds.create({ scope: scopeOf(kind, of.trim()), mode, reason }),
    ...{ lists: ["holds"], close },
    done({ id }) {
      const lift = () => api.holds.lift(id).then(() => cache.invalidateQueries({ queryKey: ["holds"] }));
      say({ said: "Held", undo: lift });
    },
  });
  return (
    <Dialog
      title="Hold"
      about="Nothing in its scope begins until it is lifted: no turns, claims, spawns, schedules or posts."
      act="Hold"
      isDanger
      isReady={reason.trim() !== "" && (kind === "all" || of.trim() !== "")}
      {...hold}
    >
      <Labelled name="Scope">
        <select value={kind} onChange={({ target }) => setKind(target.value as Kind)} className={FIELD}>
          {(Object.keys(SCOPES) as Kind[]).map((one) => (
            <option key={one} value={one}>
              {SCOPES[one]}
            </option>
          ))}
        </select>
      </Labelled>
      {kind !== "all" && (
        <Labelled name={{ project: "Project", machine: "Machine", tag: "Tag" }[kind]}>
          <input value={of} onChange={({ target }) => setOf(target.value)} className={FIELD} />
        </Labelled>
      )}
      <Labelled name="Turns under way">
        <select value={mode} onChange={({ target }) => setMode(target.value as typeof mode)} className={FIELD}>
          <option value="interrupt">are interrupted</option>
          <option value="kill">are killed</option>
        </select>
      </Labelled>
      <Labelled name="Reason">
        <input value={reason} onChange={({ target }) => setReason(target.value)} className={FIELD} />
      </Labelled>
    </Dialog>
  );
}
