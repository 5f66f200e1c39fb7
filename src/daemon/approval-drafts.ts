import { headOf } from "../client/text.ts";
import { plainText } from "../harness/providers/process/plain-text.ts";
import type { PermissionRequest } from "../harness/providers/provider.ts";
import { type ApprovalDraft, type ApprovalOption, MAX_OPTIONS, NO_ANSWER } from "../protocol/approvals.ts";
import type { SessionRow } from "./journal/sessions.ts";
import { realPath } from "./real-path.ts";

interface About {
  runId: string | undefined;
  conversation: ApprovalDraft["conversation"];
  expiresInSeconds: number;
}

const TITLE_BYTES = 256;
const LABEL_BYTES = 128;
const TEXT_BYTES = 16_384;

/**
 * Approval that a question of a CLI becomes. Words are cut to what the relay takes; what a permission allows is shown whole, or cannot be
 * asked for.
 */
export function draftOf(session: SessionRow, request: PermissionRequest, about: About): ApprovalDraft {
  const { subject, title, offers, oneTap } = request;
  const common = {
    ...{ agentId: session.agentId, sessionId: session.id, title: lineOf(title, TITLE_BYTES) || "A question", oneTap },
    ...{ expiresInSeconds: about.expiresInSeconds, ...(about.runId && { runId: about.runId }) },
    ...(about.conversation && { conversation: about.conversation }),
  };
  if (subject.type === "question") return { ...common, ...questionOf(subject) };
  const options: ApprovalOption[] = [
    ...(offers.once ? [{ id: "once", label: "Allow", decision: "allow", scope: "once" } as const] : []),
    ...(offers.session
      ? [{ id: "session", label: "Allow in this session", decision: "allow", scope: "session" } as const]
      : []),
    { id: "deny", label: "Deny", decision: "deny" },
  ];
  return { ...common, kind: "permission", subject: resolved(subject), options, default: "deny" };
}

type Permission = Exclude<PermissionRequest["subject"], { type: "question" }>;

/** A subject that names places as they are: a link below an allowed folder may lead out of it. */
function resolved(subject: Permission): Permission {
  if (subject.type === "command") return { ...subject, cwd: realPath(subject.cwd) };
  if (subject.type !== "edit") return subject;
  const { path, also } = subject;
  return { ...subject, path: realPath(path), ...(also && { also: also.map((file) => realPath(file)) }) };
}

function questionOf({ text, options }: Extract<PermissionRequest["subject"], { type: "question" }>) {
  const shown = options.slice(0, MAX_OPTIONS - 1);
  const others = options.slice(shown.length).map(({ label }) => label);
  const more = others.length > 0 ? `Also, in words: ${others.join(", ")}` : "";
  return {
    ...{ kind: "question" as const, default: NO_ANSWER },
    subject: { type: "question" as const, text: cut([text, more].filter(Boolean).join("\n\n"), TEXT_BYTES) },
    options: [
      ...shown.map(({ id, label }, index) => answering(id, lineOf(label, LABEL_BYTES) || `Option ${index + 1}`)),
      answering(NO_ANSWER, "No answer"),
    ],
  };
}

const answering = (id: string, label: string): ApprovalOption => ({ id, label, decision: "answer" });

const lineOf = (text: string, maxBytes: number): string =>
  headOf(plainText(text).replace(/\s+/g, " ").trim(), maxBytes);

const CUT = "\n[Cut]";
const cut = (text: string, maxBytes: number): string =>
  Buffer.byteLength(text) <= maxBytes ? text : `${headOf(text, maxBytes - CUT.length)}${CUT}`;
