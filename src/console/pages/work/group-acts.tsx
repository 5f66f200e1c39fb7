import type { Attention } from "../../../protocol/attention.ts";
import { useProject } from "../../frame/projects.ts";
import { countText } from "../../ui/amounts.ts";
import { useBulk } from "../../ui/bulk.tsx";
import { Button } from "../../ui/button.tsx";
import { SureButton } from "../../ui/sure.tsx";

/** Acts on every dead letter of one cause. */
export function GroupActs({ group: { count, subject } }: { group: Attention }) {
  const bulk = useBulk();
  const { project } = useProject();
  const { messageId } = subject;
  if (messageId === null) return null;
  const filter = { sameAs: messageId, project };
  return (
    <>
      <Button disabled={bulk.isPending} onClick={() => bulk.mutate([{ action: "requeue", filter }])}>
        {`Requeue all ${countText(count)}`}
      </Button>
      <SureButton
        sure={`Cancel ${countText(count)} for good`}
        disabled={bulk.isPending}
        onClick={() => bulk.mutate([{ action: "cancel", filter: { ...filter, states: ["dead"] } }])}
      >
        {`Cancel all ${countText(count)}`}
      </SureButton>
    </>
  );
}
