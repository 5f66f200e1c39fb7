import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { followChanges } from "../live/changes.ts";
import { deviceName } from "../push/device.ts";
import { followNotifications } from "../push/notifications.ts";

let isStarted = false;

/** Opens the live connection, once a browser is signed in, and keeps its push where it has one. */
export function useLive(): void {
  const cache = useQueryClient();
  const { history } = useRouter();
  useEffect(() => {
    if (isStarted) return;
    isStarted = true;
    followChanges(cache);
    followNotifications((path) => history.push(path));
    // A browser that forgot its subscription is asked again in the settings.
    if (deviceName() !== undefined)
      void import("../push/push.ts").then(({ keepPush }) => keepPush().catch(() => undefined));
  }, [cache, history]);
}
