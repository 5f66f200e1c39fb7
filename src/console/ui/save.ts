import { useMutation, useQueryClient } from "@tanstack/react-query";

interface Save<Made> {
  act(): Promise<Made>;
  /** Lists that show it: first members of their keys. */
  lists: readonly string[];
  close(): void;
  /** Called with what was made, before the dialog closes. */
  done?(made: Made): void;
}

/** Saves what a dialog holds: after it the dialog closes, and the lists are read again. Answers what the dialog takes. */
export function useSave<Made>({ act, lists, close, done }: Save<Made>) {
  const cache = useQueryClient();
  const { isPending, error, mutate } = useMutation({
    mutationFn: async () => act(),
    async onSuccess(made) {
      done?.(made);
      close();
      await Promise.all(lists.map((name) => cache.invalidateQueries({ queryKey: [name] })));
    },
  });
  return { isPending, error, onSubmit: () => mutate(), onClose: close };
}
