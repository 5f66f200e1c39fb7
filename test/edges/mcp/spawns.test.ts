import { describe, expect, test } from "bun:test";
import { startBox } from "../../support/commands.ts";
import { connect } from "../../support/mcp.ts";

const MACHINE = "orchestrator:box/claude";

describe("machines over MCP", () => {
  test("an agent that may spawn starts one on a machine, and peeks at and kills what its own spawn began", async () => {
    const box = await startBox();
    const { ask, ada, daemon, heard, done } = box;
    const [peer, other] = [await connect(box, ada.token), await connect(box, box.bob.token)];
    const spawned = await peer.call("runs", { do: "start", agent: MACHINE, text: "Fix the test." });
    expect(spawned.facts.status).toBe("pending");
    const [order] = await heard();
    expect(order.payload).toMatchObject({ command: { do: "spawn", provider: "claude", prompt: "Fix the test." } });
    const claude = await box.enrolled("box-claude");
    const session = { agentId: "box-claude", provider: "claude", lane: "background", state: "working" };
    await ask("PUT", "/v1/sessions/ses_one", session, daemon);
    await done({ id: order.payload.delegationId }, { agentId: claude.id, sessionId: "ses_one" });
    for (const verb of ["peek", "kill"]) {
      const told = await peer.call("runs", { do: verb, run: "ses_one" });
      expect(told.isError ? told.text : (await heard()).at(-1).payload.command).toEqual({
        do: verb,
        sessionId: "ses_one",
      });
      expect((await other.call("runs", { do: verb, run: "ses_one" })).isError).toBe(true);
    }
  });

  test("an agent that may not spawn is refused, and so is a machine that is not there", async () => {
    const box = await startBox();
    const [may, mayNot] = [await connect(box, box.ada.token), await connect(box, box.bob.token)];
    const asked = { do: "start", agent: MACHINE, text: "Go" };
    expect((await mayNot.call("runs", asked)).isError).toBe(true);
    expect((await may.call("runs", { ...asked, agent: "orchestrator:none/claude" })).isError).toBe(true);
    expect((await may.call("runs", { ...asked, agent: "orchestrator:box/none" })).text).toContain("claude, codex");
    expect(await box.heard()).toEqual([]);
  });
});
