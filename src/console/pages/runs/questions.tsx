import { useQuery } from "@tanstack/react-query";
import type { Run } from "../../../protocol/runs.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { Glyph } from "../../ui/glyph.tsx";
import { ApprovalCard } from "../now/approval.tsx";

/** Approvals that a run waits for, the oldest first. */
export function useQuestions({ id, status }: Run) {
  const { data } = useQuery({
    queryKey: ["approvals", "of run", id],
    queryFn: ({ signal }) => api.approvals.list({ run: id, state: "pending" }, { signal }),
    enabled: status === "running" || status === "waiting",
  });
  return status === "running" || status === "waiting" ? (data?.items ?? []).toReversed() : [];
}

/** Questions of a run to a person, answered above its work, whichever part of that is shown. */
export function Questions({ of }: { of: ReturnType<typeof useQuestions> }) {
  return of.map(({ id, title }) => (
    <section key={id} aria-label={visible(title)} className="mb-4 border-y border-line py-3">
      <h2 className="mb-2 flex items-center gap-2 font-semibold">
        <Glyph name="you" />
        {visible(title)}
      </h2>
      <ApprovalCard id={id} />
    </section>
  ));
}
