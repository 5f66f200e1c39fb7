import { useState } from "react";
import type { Profile } from "../../../protocol/profiles.ts";
import { api } from "../../api.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { AREA, FIELD, Labelled } from "../../ui/fields.tsx";
import { useSave } from "../../ui/save.ts";
import { draftOf, type ProfileText, textOf } from "./profile-form.ts";

const FIELDS: readonly [field: Exclude<keyof ProfileText, "policy" | "worktree">, name: string, rows?: number][] = [
  ["name", "Name"],
  ["provider", "Provider"],
  ["model", "Model"],
  ["cwd", "Folder"],
  ["systemPrompt", "System prompt", 3],
  ["allow", "Tools that are allowed, one a line", 2],
  ["deny", "Tools that are denied, one a line", 2],
  ["agents", "Agents, one a line: agent machine running|onDemand|stopped", 2],
  ["handOver", "At a limit, the profile that goes on; empty: it waits"],
  ["onStuck", "When stuck, one step a line: tell|nudge|interrupt|restart seconds", 2],
  ["maxPerHour", "Restarts an hour, at most"],
  ["caps", "Caps, as JSON", 2],
];

/** Makes a profile, or replaces one. */
export function ProfileDialog({ profile, close }: { profile?: Profile; close(): void }) {
  const [text, setText] = useState(() => textOf(profile));
  const save = useSave({
    act: async () => api.profiles.put(text.name.trim(), draftOf(text)),
    ...{ lists: ["profiles"], close },
  });
  const set = (field: keyof ProfileText, value: string): void => setText((had) => ({ ...had, [field]: value }));
  return (
    <Dialog
      title={profile ? `Change ${profile.name}` : "Make a profile"}
      about="How agents are started. The daemons of the machines that it names hear of it at once."
      act={profile ? "Save" : "Make it"}
      isReady={text.name.trim() !== "" && text.provider.trim() !== ""}
      {...save}
    >
      {FIELDS.filter(([field]) => !profile || field !== "name").map(([field, name, rows]) => (
        <Labelled key={field} name={name}>
          {rows ? (
            <textarea
              value={text[field]}
              rows={rows}
              onChange={({ target }) => set(field, target.value)}
              className={`${AREA} font-mono text-small`}
            />
          ) : (
            <input value={text[field]} onChange={({ target }) => set(field, target.value)} className={FIELD} />
          )}
        </Labelled>
      ))}
      <Labelled name="Git worktrees of their own for new sessions">
        <select value={text.worktree} onChange={({ target }) => set("worktree", target.value)} className={FIELD}>
          <option value="">as the machine is configured</option>
          <option value="yes">yes</option>
          <option value="no">no</option>
        </select>
      </Labelled>
      <Labelled name="Restart">
        <select value={text.policy} onChange={({ target }) => set("policy", target.value)} className={FIELD}>
          <option value="always">always</option>
          <option value="onFailure">after a failure</option>
          <option value="never">never</option>
        </select>
      </Labelled>
    </Dialog>
  );
}
