import { useMutation } from "@tanstack/react-query";
import { toast } from "sonner";

interface Done {
  /** Says what happened. */
  said: string;
  /** Takes it back, for ten seconds. */
  undo?: () => Promise<unknown>;
}

/** An act that says what it did, or why it could not. */
export const useAct = <Given>(act: (given: Given) => Promise<Done | undefined>) =>
  useMutation({
    mutationFn: act,
    onSuccess(done) {
      if (!done) return;
      const { said, undo } = done;
      toast(said, {
        duration: undo ? 10_000 : 4000,
        ...(undo && { action: { label: "Undo", onClick: () => void undo() } }),
      });
    },
    onError: (error) => void toast.error(error.message, { duration: 10_000 }),
  });
