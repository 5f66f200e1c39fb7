import type { Binding, BindingDraft } from "../../../protocol/bindings.ts";

type Mode = NonNullable<BindingDraft["mode"]>;

/** Fields of the form of a binding. */
export interface Form {
  conversationId: string;
  threadId: string;
  target: string;
  /** Empty: as the target needs it. */
  mode: Mode | "";
  priority: string;
  fallback: string;
  also: string;
  topics: "none" | "per-session";
  replay: boolean;
}

/** The binding again, as it was. */
export const draftOf = ({
  conversationId,
  threadId,
  target,
  mode,
  priority,
  fallback,
  topics,
  also,
}: Binding): BindingDraft => ({
  ...{ conversationId, threadId, target, mode, priority, fallback, topics, also },
});

export const formOf = (binding: Binding | undefined): Form =>
  binding
    ? {
        ...{ conversationId: binding.conversationId ?? "", threadId: binding.threadId ?? "", target: binding.target },
        ...{ mode: binding.mode, priority: `${binding.priority}`, fallback: binding.fallback ?? "" },
        ...{ also: binding.also.join(", "), topics: binding.topics, replay: false },
      }
    : {
        ...{ conversationId: "", threadId: "", target: "", mode: "", priority: "0", fallback: "" },
        ...{ also: "", topics: "none", replay: false },
      };

/** The binding that the form asks for. */
export const draftFrom = (form: Form): BindingDraft => ({
  conversationId: form.conversationId.trim() || null,
  threadId: form.threadId.trim() || null,
  target: form.target.trim(),
  ...(form.mode !== "" && { mode: form.mode }),
  priority: Number(form.priority),
  fallback: form.fallback.trim() || null,
  topics: form.topics,
  also: form.also.split(/[\s,]+/).filter(Boolean),
  replay: form.replay,
});
