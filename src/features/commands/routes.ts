import type { Areas } from "../../core/core.ts";
import { createdOnce, type Route, route } from "../../identity/auth/route.ts";
import { sendCommand } from "../../protocol/commands.ts";
import type { Delegations } from "../delegations/delegations.ts";
import { waitForEnd } from "../delegations/routes.ts";
import type { CommandService } from "./service.ts";

/** Commands to orchestrators, and the wait for what came of them. */
export function commandRoutes(
  { kernel, core, delegations }: Areas & { delegations: Delegations },
  commands: CommandService,
): Route[] {
  return [
    route(sendCommand, async (call) => {
      const { caller, params, query, body, request, idempotencyKey: key } = call;
      const token = request.headers.get("signalbox-run");
      const { made, replayed } = await kernel.db.write((tx) =>
        commands.post(tx, caller, params.id, body, { key, token }),
      );
      const { waitSeconds } = query;
      const now =
        waitSeconds === 0
          ? made
          : await waitForEnd(kernel, core, delegations.service, { caller, request, id: made.id, waitSeconds });
      return createdOnce({ made: now, replayed });
    }),
  ];
}
