import { type LinkProps, useNavigate } from "@tanstack/react-router";
import { useKeys } from "../frame/keys.ts";

/** Escape leads to the list that a page belongs to. */
export function useBack(to: NonNullable<LinkProps["to"]>): void {
  const navigate = useNavigate();
  useKeys(Object.fromEntries([["Escape", () => void navigate({ to })]]));
}
