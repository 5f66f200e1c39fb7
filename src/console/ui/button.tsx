import { type ComponentProps, useContext } from "react";
import { Deaf } from "../frame/keys.ts";

type Kind = "plain" | "primary" | "danger" | "quiet";

const KINDS: Record<Kind, string> = {
  plain: "border-control bg-surface text-ink hover:bg-hover",
  primary: "border-accent bg-accent text-on-accent font-semibold",
  danger: "border-red bg-surface text-red hover:bg-red-t",
  quiet: "border-transparent text-ink2 hover:bg-hover",
};

/** `hint`: the key that does the same, shown where a keyboard is likely. */
export function Button({
  kind = "plain",
  hint,
  className = "",
  children,
  ...rest
}: ComponentProps<"button"> & { kind?: Kind; hint?: string | undefined }) {
  const isDeaf = useContext(Deaf);
  return (
    <button
      type="button"
      className={`inline-flex h-8 cursor-pointer items-center justify-center gap-1.5 rounded-control border px-3 disabled:cursor-default disabled:opacity-50 max-md:h-12 ${KINDS[kind]} ${className}`}
      {...rest}
    >
      {children}
      {hint && !isDeaf && <Key>{hint}</Key>}
    </button>
  );
}

/** A key, beside the action that it does. */
export const Key = ({ children }: { children: string }) => (
  <kbd className="font-mono text-micro opacity-80 max-md:hidden">{children}</kbd>
);
