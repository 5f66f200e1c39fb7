import type { Integration, IntegrationDraft, SavedIntegration } from "../../../protocol/integrations.ts";
import { api } from "../../api.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { useForm } from "../../ui/form.ts";
import { Choice, TextArea, TextInput } from "../../ui/inputs.tsx";
import { useSave } from "../../ui/save.ts";
import { useTargets } from "../threads/targets.ts";

const MAPPINGS: Record<Integration["mapping"], string> = {
  generic: "the relay's own events",
  github: "GitHub",
  alertmanager: "Alertmanager",
  grafana: "Grafana",
  sentry: "Sentry",
  paths: "any JSON, by paths into it",
};
const VERIFY: Record<Integration["verify"] | "", string> = {
  "": "as the platform does it",
  standard: "Standard Webhooks signature",
  github: "X-Hub-Signature-256",
  sentry: "Sentry-Hook-Signature",
  token: "the secret itself, as a bearer token",
};
const SEVERITIES = { "": "info", warning: "warning", error: "error", critical: "critical" };
const PATHS = '{\n  "title": "{{$.job}} failed",\n  "dedupeKey": "$.id",\n  "status": "$.state"\n}';

interface Form {
  source: string;
  target: string;
  topic: string;
  severity: string;
  mapping: Integration["mapping"];
  verify: Integration["verify"] | "";
  paths: string;
}

const formOf = (one: Integration | undefined): Form => ({
  ...{ source: one?.source ?? "", target: one?.target ?? "", topic: one?.topic ?? "", severity: one?.severity ?? "" },
  ...{ mapping: one?.mapping ?? "generic", verify: one?.verify ?? "" },
  paths: one?.paths ? JSON.stringify(one.paths, null, 2) : PATHS,
});

/** @throws Error when the paths are no JSON */
function draftFrom({ target, topic, severity, mapping, verify, paths }: Form): IntegrationDraft {
  const draft = { mapping, ...(target && { target }), ...(topic && { topic }), ...(severity && { severity }) };
  const read = { ...(verify && { verify }), ...(mapping === "paths" && { paths: pathsOf(paths) }) };
  return { ...draft, ...read } as IntegrationDraft;
}

function pathsOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`The paths are no JSON: ${(error as Error).message}`);
  }
}

interface Props {
  integration?: Integration;
  saved(made: SavedIntegration): void;
  close(): void;
}

/** Makes an integration, or changes one. */
export function IntegrationDialog({ integration, saved, close }: Props) {
  const { form, set } = useForm<Form>(() => formOf(integration));
  const targets = useTargets();
  const save = useSave({
    act: async () => api.integrations.put(form.source.trim(), draftFrom(form)),
    ...{ lists: ["integrations"], close, done: saved },
  });
  return (
    <Dialog
      title={integration ? `Change ${integration.source}` : "New integration"}
      about="Its events become tasks: work for its target. The same key is the same task."
      act={integration ? "Save" : "Make it"}
      isReady={form.source.trim() !== ""}
      {...save}
    >
      {!integration && <TextInput name="Source" value={form.source} set={set("source")} isMono placeholder="ci" />}
      <TextInput
        name="Its tasks are for"
        value={form.target}
        set={set("target")}
        options={targets}
        placeholder="tag:ops"
      />
      <Choice name="Its events are those of" value={form.mapping} set={set("mapping")} options={MAPPINGS} />
      {form.mapping === "paths" && (
        <TextArea
          name="Paths"
          value={form.paths}
          set={set("paths")}
          isMono
          about="Paths ($.a.b) or text with {{paths}}, for title, body, severity, dedupeKey, status, externalUrl, topic, occurredAt."
        />
      )}
      <Choice name="An event shows that it is its own by" value={form.verify} set={set("verify")} options={VERIFY} />
      <TextInput name="Topic" value={form.topic} set={set("topic")} placeholder="none" />
      <Choice
        name="Severity of events that name none"
        value={form.severity}
        set={set("severity")}
        options={SEVERITIES}
      />
    </Dialog>
  );
}
