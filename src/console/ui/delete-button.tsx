import { useQueryClient } from "@tanstack/react-query";
import { useAct } from "./act.ts";
import { SureButton } from "./sure.tsx";

interface DeleteProps {
  /** List that shows it: first member of its key. */
  list: string;
  /** Deletes it, and answers what is said then. */
  act(): Promise<string>;
  /** Says what is lost. */
  sure: string;
  children?: string;
}

/** A button of an open row that deletes for good what the row is about. */
export function DeleteButton({ list, act, sure, children = "Delete" }: DeleteProps) {
  const cache = useQueryClient();
  const remove = useAct(async () => {
    const said = await act();
    await cache.invalidateQueries({ queryKey: [list] });
    return { said };
  });
  return (
    <SureButton sure={sure} disabled={remove.isPending} onClick={() => remove.mutate(undefined)}>
      {children}
    </SureButton>
  );
}
