import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { Page } from "../../ui/page.tsx";
import { ApprovalCard, outcomeOf, useAnswerKeys } from "../now/approval.tsx";

const route = getRouteApi("/approvals/$id");

/** One approval by itself: whole, and decided here. Notifications open it. */
export function ApprovalPage() {
  const { id } = route.useParams();
  const { data, error } = useQuery({
    queryKey: ["approval", id],
    queryFn: ({ signal }) => api.approvals.get(id, { signal }),
  });
  const keys = useAnswerKeys();
  // No key answers what is not shown.
  useKeys(keys(error ? null : id));
  const title = error
    ? "This approval cannot be shown"
    : !data
      ? "Approval"
      : data.state === "pending"
        ? `${data.agentId} asks for a decision`
        : `This was ${outcomeOf(data)}`;
  return (
    <Page title={title} facts={data && visible(data.title)}>
      <div className="flex max-w-180 flex-col gap-1">
        <ApprovalCard id={id} hasKeys />
      </div>
      <p className="mt-6">
        <Link to="/" className="text-accent underline">
          What else needs you
        </Link>
      </p>
    </Page>
  );
}
