import type { Route } from "../../identity/auth/route.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { createSeal } from "../../kernel/seal.ts";
import { createCalls } from "./calls.ts";
import { cardRoutes } from "./card-routes.ts";
import { createContact, type Note } from "./contact.ts";
import { createDeliverer } from "./deliver.ts";
import { createExternalService } from "./external.ts";
import { externalRoutes } from "./external-routes.ts";
import { createFollow } from "./follow.ts";
import { createFront } from "./front.ts";
import { createHandlers } from "./handler.ts";
import { DELIVER, POLL, PUSH, REFRESH, SECRETS, type WorkKind } from "./kinds.ts";
import { createPoller } from "./poll.ts";
import { createPushes } from "./pushes.ts";
import { restRoutes } from "./rest-routes.ts";
import { rpcRoutes } from "./rpc-routes.ts";
import { createTaskService, type TaskAreas } from "./service.ts";
import type { Stores } from "./stores.ts";
import type { Streams } from "./stream.ts";
import type { WakeUps } from "./wake-ups.ts";

/** Everything that speaks the protocol: its routes, and the work that becomes due. */
export function createInside(
  areas: TaskAreas,
  options: { stores: Stores; wakeUps: WakeUps; streams: Streams; publicUrl: string | undefined; note: Note },
) {
  const { kernel, identity } = areas;
  const { stores, wakeUps, streams, publicUrl, note } = options;
  const seal = createSeal(kernel.key, SECRETS);
  const tasks = createTaskService(areas, stores.contexts);
  const pushes = createPushes(areas, stores.pushes, { tasks, seal, note });
  const handlers = createHandlers(kernel.db, tasks, createFollow(areas, tasks), pushes);
  const front = createFront(areas, handlers, { streams, publicUrl });
  const store = stores.external;
  const contact = createContact(areas, store, note);
  const calls = createCalls(areas, store);
  const external = createExternalService(areas, store, wakeUps, seal);
  const routes: Route[] = [...cardRoutes(identity.agents, publicUrl), ...externalRoutes(kernel.db, external)];
  const work: Record<WorkKind, OutsideWork> = {
    [REFRESH]: contact.refresh,
    [DELIVER]: createDeliverer(areas, store, contact, calls),
    [POLL]: createPoller(areas, store, contact, calls),
    [PUSH]: pushes.work,
  };
  // The OpenAPI document leaves the bindings out: the protocol describes them.
  return { routes, bindings: [...rpcRoutes(front), ...restRoutes(front)], work };
}
