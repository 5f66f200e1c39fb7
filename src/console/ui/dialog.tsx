import { Dialog as Radix } from "radix-ui";
import type { FormEvent, ReactNode } from "react";
import { Button } from "./button.tsx";
import { Failure } from "./notes.tsx";

interface DialogProps {
  title: string;
  about: string;
  /** Name of the button that does it. */
  act: string;
  isDanger?: boolean;
  isPending?: boolean;
  error?: unknown;
  onSubmit(): void;
  onClose(): void;
  children: ReactNode;
}

/** A form above the page. Escape closes it. */
export function Dialog({ title, about, act, isDanger, isPending, error, onSubmit, onClose, children }: DialogProps) {
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <Radix.Root open modal={false} onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Radix.Portal>
        <div className="fixed inset-0 z-20 bg-ink/30" aria-hidden="true" onClick={onClose} />
        <Radix.Content className="fixed top-[12vh] left-1/2 z-30 max-h-[80vh] w-120 max-w-[calc(100vw-32px)] -translate-x-1/2 animate-enter overflow-y-auto rounded-control border border-line bg-surface p-6 shadow-float max-md:top-4">
          <Radix.Title className="text-title font-semibold">{title}</Radix.Title>
          <Radix.Description className="mb-4 text-ink2">{about}</Radix.Description>
          <form onSubmit={submit} className="flex flex-col gap-3">
            {children}
            {error ? <Failure error={error} /> : null}
            <div className="flex gap-2 max-md:flex-col">
              <Button type="submit" kind={isDanger ? "danger" : "primary"} disabled={isPending ?? false}>
                {act}
              </Button>
              <Button kind="quiet" onClick={onClose}>
                Cancel
              </Button>
            </div>
          </form>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
