import { expect, test } from "bun:test";
import { createHooks } from "../../../src/kernel/hooks.ts";
import { createConnections } from "../../../src/kernel/log/connections.ts";
import { Encoded } from "../../../src/kernel/log/outlet.ts";
import { createViewers } from "../../../src/kernel/log/viewers.ts";
import { createManualClock } from "../../support/clock.ts";

function opened(max: number) {
  const connections = createConnections(createManualClock(), createHooks(), async () => new Set());
  const viewers = createViewers(connections, max);
  const open = (tokenId: string) =>
    viewers.open({
      ...{ caller: { agentId: "ann", instanceId: null, tokenId }, headers: {}, peer: () => undefined },
      last: (reason) => new Encoded("bye", JSON.stringify({ reason })),
    });
  return { connections, viewers, open };
}

test("a viewer's streams are bounded for each token, and take no place of its agent", async () => {
  const { connections, viewers, open } = opened(2);
  const first = open("tok_1");
  open("tok_1");
  expect(() => open("tok_1")).toThrow(expect.objectContaining({ code: "too-many-streams" }));
  expect(() => viewers.check("tok_1")).toThrow(expect.objectContaining({ code: "too-many-streams" }));
  open("tok_2");
  expect([viewers.size(), connections.count("ann")]).toEqual([3, 0]);
  let ended = 0;
  first.onEnded = () => ended++;
  await first.response.body?.cancel();
  expect([ended, viewers.size()]).toEqual([1, 2]);
  open("tok_1");
});

test("a viewer's stream ends with its token, and says why", async () => {
  const { connections, viewers, open } = opened(2);
  const view = open("tok_1");
  connections.closeToken("tok_1");
  expect(await view.response.text()).toContain('event: bye\ndata: {"reason":"revoked"}');
  expect(viewers.size()).toBe(0);
});
