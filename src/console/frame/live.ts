import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { followChanges } from "../live/changes.ts";

let isStarted = false;

/** Opens the live connection, once a browser is signed in. */
export function useLive(): void {
  const cache = useQueryClient();
  useEffect(() => {
    if (isStarted) return;
    isStarted = true;
    followChanges(cache);
  }, [cache]);
}
