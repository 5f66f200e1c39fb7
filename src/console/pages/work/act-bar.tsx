import { useState } from "react";
import { type BulkDraft, MAX_BULK_IDS } from "../../../protocol/bulk.ts";
import type { MessageKind } from "../../../protocol/messages.ts";
import { useBulk } from "../../ui/bulk.tsx";
import { Button } from "../../ui/button.tsx";
import { type Chosen, inParts } from "../../ui/chosen.ts";
import { ChosenBar } from "../../ui/chosen-bar.tsx";
import { SureButton } from "../../ui/sure.tsx";

type State = "open" | "claimed" | "delayed" | "dead";

interface ActBarProps {
  state: State;
  /** Filters of the list. */
  named: {
    target: string | undefined;
    topic: string | undefined;
    kind: MessageKind | undefined;
    from: string | undefined;
    project: string | undefined;
  };
  chosen: Chosen;
  /** Rows that are listed, and whether more match. */
  shown: number;
  hasMore: boolean;
}

/** Messages that one action is about: those chosen, in parts that a filter takes, or all that match. */
function filtersOf(ids: readonly string[], named: ActBarProps["named"], isAll: boolean) {
  if (isAll) return [named];
  return inParts(ids.map(Number), MAX_BULK_IDS).map((some) => ({ ids: some }));
}

/** Acts on the messages that are chosen, or on all that match. */
export function ActBar({ state, named, chosen, shown, hasMore }: ActBarProps) {
  const [isAll, setAll] = useState(false);
  const bulk = useBulk();
  const count = chosen.ids.size;
  const clear = (): void => {
    setAll(false);
    chosen.clear();
  };
  const begin = (draft: (filter: ReturnType<typeof filtersOf>[number]) => BulkDraft): void => {
    bulk.mutate(filtersOf([...chosen.ids], named, isAll).map(draft));
    clear();
  };
  const all = `all${hasMore ? "" : ` ${shown}`} that match`;
  const chosenWords = count > 0 ? `${count} chosen` : undefined;
  return (
    <ChosenBar
      words={isAll ? `A${all.slice(1)}` : chosenWords}
      clear={clear}
      all={isAll ? undefined : { name: `Choose ${all}`, choose: () => setAll(true) }}
    >
      {state === "dead" && (
        <Button
          kind="primary"
          disabled={bulk.isPending}
          onClick={() => begin((filter) => ({ action: "requeue", filter }))}
        >
          Requeue
        </Button>
      )}
      <SureButton
        sure={`Cancel ${isAll ? "all" : count} for good`}
        disabled={bulk.isPending}
        onClick={() => begin((filter) => ({ action: "cancel", filter: { ...filter, states: [state] } }))}
      >
        Cancel
      </SureButton>
    </ChosenBar>
  );
}
