import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Agent } from "../../../protocol/agents.ts";
import { api } from "../../api.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { AREA, FIELD, Labelled } from "../../ui/fields.tsx";
import { useSave } from "../../ui/save.ts";

/** Facts that people write of an agent, as text. */
const FIELDS = {
  id: "Id, for good",
  name: "Name",
  role: "Role, in a line",
  label: "Label: the group label:…",
  tags: "Tags: the groups tag:…, with commas",
  capabilities: "Capabilities: the groups cap:…, with commas",
  description: "Description",
  skills: "Skills, one a line: name: description",
} as const;
type Field = keyof typeof FIELDS;
const LONG = new Set<Field>(["description", "skills"]);

const words = (text: string): string[] => text.split(",").flatMap((word) => word.trim() || []);

function skillsOf(text: string): Agent["skills"] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [name = "", ...rest] = line.split(":");
    return { name: name.trim(), description: rest.join(":").trim() };
  });
}

const written = (agent: Agent | undefined): Record<Field, string> => ({
  id: agent?.id ?? "",
  name: agent?.name ?? "",
  role: agent?.role ?? "",
  label: agent?.label ?? "",
  tags: agent?.tags.join(", ") ?? "",
  capabilities: agent?.capabilities.join(", ") ?? "",
  description: agent?.description ?? "",
  skills: agent?.skills.map(({ name, description }) => `${name}: ${description}`).join("\n") ?? "",
});

/** Makes an agent, or changes what is said of one. */
export function AgentDialog({ agent, close }: { agent?: Agent; close(): void }) {
  const navigate = useNavigate();
  const [text, setText] = useState(() => written(agent));
  const save = useSave({
    ...{ lists: ["agents", "agent"], close },
    async act() {
      const id = text.id.trim();
      const { tags, capabilities, skills, name, ...lines } = text;
      const { role, label, description } = Object.fromEntries(
        Object.entries(lines).map(([field, value]) => [field, value.trim() || null]),
      );
      const groups = { tags: words(tags), capabilities: words(capabilities), skills: skillsOf(skills) };
      // Writing about an agent does not make it present.
      const status = agent?.status ?? "offline";
      await api.agents.register(id, { name: name.trim() || id, role, label, description, ...groups, status });
      return id;
    },
    done: (id) => void (agent || navigate({ to: "/agents/$id", params: { id } })),
  });
  return (
    <Dialog
      title={agent ? `Change ${agent.id}` : "Make an agent"}
      about={
        agent
          ? "It may say other things of itself when it registers the next time."
          : "It is there, and gets mail. It speaks once it has a token: its page makes one."
      }
      act={agent ? "Save" : "Make it"}
      isReady={text.id.trim() !== ""}
      {...save}
    >
      {(Object.keys(FIELDS) as Field[])
        .filter((field) => !agent || field !== "id")
        .map((field) => (
          <Labelled key={field} name={FIELDS[field]}>
            {LONG.has(field) ? (
              <textarea
                value={text[field]}
                rows={2}
                onChange={({ target }) => setText((had) => ({ ...had, [field]: target.value }))}
                className={AREA}
              />
            ) : (
              <input
                value={text[field]}
                onChange={({ target }) => setText((had) => ({ ...had, [field]: target.value }))}
                className={FIELD}
              />
            )}
          </Labelled>
        ))}
    </Dialog>
  );
}
