import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { toast } from "sonner";
import { api } from "../../api.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { FIELD, Labelled } from "../../ui/fields.tsx";

/** Starts an agent on a machine. */
export function SpawnDialog({ close }: { close(): void }) {
  const navigate = useNavigate();
  const machines = useQuery({
    queryKey: ["orchestrators", "online"],
    queryFn: ({ signal }) => api.orchestrators.list({ status: "online", limit: 200 }, { signal }),
  });
  const [machineId, setMachine] = useState("");
  const [chosen, setProvider] = useState("");
  const [prompt, setPrompt] = useState("");
  const [cwd, setCwd] = useState("");
  const [model, setModel] = useState("");
  const items = machines.data?.items ?? [];
  const machine = items.find(({ id }) => id === machineId) ?? items[0];
  const provider = machine?.providers.find(({ name }) => name === chosen) ?? machine?.providers[0];
  const spawn = useMutation({
    async mutationFn() {
      if (!machine || !provider) throw new Error("No machine starts agents now.");
      const more = { ...(prompt && { prompt }), ...(cwd && { cwd }), ...(model && { model }) };
      const command = { do: "spawn" as const, provider: provider.name, ...more };
      return api.orchestrators.command(machine.id, command, { waitSeconds: 30 });
    },
    onSuccess({ answer, approvalId }) {
      if (answer?.error) throw new Error(answer.error);
      const result = answer?.payload?.commandResult as { runId?: string; sessionId?: string } | undefined;
      close();
      if (result?.runId) void navigate({ to: "/runs/$id", params: { id: result.runId } });
      else if (result?.sessionId) void navigate({ to: "/sessions/$id", params: { id: result.sessionId } });
      else toast(approvalId ? "It begins once a person has allowed it" : "It was asked to begin");
    },
  });
  return (
    <Dialog
      title="Spawn an agent"
      about="A machine's orchestrator starts it, and watches over it."
      act={spawn.isPending ? "Starting…" : "Spawn"}
      isPending={spawn.isPending || !machine}
      error={spawn.error ?? machines.error}
      onSubmit={() => spawn.mutate()}
      onClose={close}
    >
      {machines.data && !machine && <p className="text-ink2">No machine is online that starts agents.</p>}
      <Labelled name="Machine">
        <select value={machine?.id ?? ""} onChange={({ target }) => setMachine(target.value)} className={FIELD}>
          {items.map(({ id }) => (
            <option key={id}>{id}</option>
          ))}
        </select>
      </Labelled>
      <Labelled name="Provider">
        <select value={provider?.name ?? ""} onChange={({ target }) => setProvider(target.value)} className={FIELD}>
          {machine?.providers.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </Labelled>
      <Labelled name="Prompt">
        <textarea
          value={prompt}
          rows={4}
          onChange={({ target }) => setPrompt(target.value)}
          className="rounded-control border border-control bg-surface px-2 py-1"
        />
      </Labelled>
      <Labelled name={machine ? `Folder, below ${machine.baseDir}` : "Folder"}>
        <input value={cwd} onChange={({ target }) => setCwd(target.value)} className={FIELD} />
      </Labelled>
      <Labelled name="Model">
        <input value={model} onChange={({ target }) => setModel(target.value)} className={FIELD} />
      </Labelled>
    </Dialog>
  );
}
