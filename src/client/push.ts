import * as api from "../protocol/push.ts";
import type { Caller } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on web push: devices of the caller's person. */
export const pushVerbs = ({ ask }: Caller) => ({
  /** The key that a browser subscribes with. */
  key: (call?: Call): Promise<api.PushKey> => ask(api.getPushKey, {}, call),

  /** Adds this browser, or changes it: `PushSubscription.toJSON()` with the device's name. */
  subscribe: (body: api.PushDraft, call?: Call): Promise<api.PushSubscription> =>
    ask(api.createPushSubscription, { body }, call),

  /** Lists the person's own devices, newest first. */
  list: (call?: Call) => ask(api.listPushSubscriptions, {}, call),

  /** Ends one of them. */
  delete: (id: string, call?: Call): Promise<void> => ask(api.deletePushSubscription, { params: { id } }, call),
});
