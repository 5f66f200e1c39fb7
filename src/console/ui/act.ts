import { useMutation } from "@tanstack/react-query";
import { toast } from "sonner";
import { visible } from "../../protocol/visible.ts";

interface Done {
  /** Says what happened. */
  said: string;
  /** Takes it back, for ten seconds: by the button beside the words, or by z. */
  undo?: () => Promise<unknown>;
}

const UNDO_MS = 10_000;
const SAID_MS = 4000;
const FAILED_MS = 10_000;

interface Undoable {
  toastId: string | number;
  until: number;
  undo(): Promise<unknown>;
}

/** Acts that can still be taken back, the newest last. */
let undoable: Undoable[] = [];

function takeBack(one: Undoable): void {
  undoable = undoable.filter((other) => other !== one);
  toast.dismiss(one.toastId);
  one.undo().then(
    () => void toast("Taken back", { duration: SAID_MS }),
    (error: Error) => void toast.error(visible(error.message), { duration: FAILED_MS }),
  );
}

/** Takes the last act back, as long as its words stand. */
export function undoLast(): void {
  const now = Date.now();
  undoable = undoable.filter(({ until }) => until > now);
  const last = undoable.at(-1);
  if (last) takeBack(last);
}

/** Says what was done, with a way back where there is one. */
export function say({ said: words, undo }: Done): void {
  const said = visible(words);
  if (!undo) return void toast(said, { duration: SAID_MS });
  const one: Undoable = { toastId: "", until: Date.now() + UNDO_MS, undo };
  one.toastId = toast(said, { duration: UNDO_MS, action: { label: "Undo z", onClick: () => takeBack(one) } });
  undoable.push(one);
}

/** An act that says what it did, or why it could not. */
export const useAct = <Given>(act: (given: Given) => Promise<Done | undefined>) =>
  useMutation({
    mutationFn: act,
    onSuccess: (done) => void (done && say(done)),
    onError: (error) => void toast.error(visible(error.message), { duration: FAILED_MS }),
  });
