import { Dialog as Radix } from "radix-ui";
import type { FormEvent, ReactNode } from "react";
import { visible } from "../../protocol/visible.ts";
import { Button } from "./button.tsx";
import { Failure } from "./notes.tsx";

interface FloatingProps {
  title: string;
  about: string;
  /** Room for more than a form. */
  isWide?: boolean;
  onClose(): void;
  children: ReactNode;
}

interface DialogProps extends FloatingProps {
  /** Name of the button that does it. */
  act: string;
  isDanger?: boolean;
  /** Nothing that it needs is missing. */
  isReady?: boolean;
  isPending?: boolean;
  error?: unknown;
  onSubmit(): void;
}

/** A panel above the page. Escape closes it. */
export const Floating = ({ title, about, isWide = false, onClose, children }: FloatingProps) => (
  <Radix.Root open modal={false} onOpenChange={(isOpen) => !isOpen && onClose()}>
    <Radix.Portal>
      <div className="fixed inset-0 z-20 bg-[rgb(0_0_0/0.4)]" aria-hidden="true" onClick={onClose} />
      <Radix.Content
        className={`fixed top-[12vh] left-1/2 z-30 max-h-[80vh] max-w-[calc(100vw-32px)] -translate-x-1/2 animate-enter overflow-y-auto rounded-control border border-line bg-surface p-6 shadow-float max-md:top-4 ${isWide ? "w-200" : "w-120"}`}
      >
        <Radix.Title className="text-title font-semibold">{visible(title)}</Radix.Title>
        <Radix.Description className="mb-4 text-ink2">{visible(about)}</Radix.Description>
        {children}
      </Radix.Content>
    </Radix.Portal>
  </Radix.Root>
);

/** A form above the page. Escape closes it. */
export function Dialog({
  act,
  isDanger,
  isReady = true,
  isPending = false,
  error,
  onSubmit,
  children,
  ...rest
}: DialogProps) {
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <Floating {...rest}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        {children}
        {error ? <Failure error={error} /> : null}
        <div className="flex gap-2 max-md:flex-col">
          <Button type="submit" kind={isDanger ? "danger" : "primary"} disabled={isPending || !isReady}>
            {act}
          </Button>
          <Button kind="quiet" onClick={rest.onClose}>
            Cancel
          </Button>
        </div>
      </form>
    </Floating>
  );
}
