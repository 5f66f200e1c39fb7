import { expect, test } from "bun:test";
import { createAsks } from "../../../../src/harness/providers/claude/asks.ts";
import type { PermissionAsk } from "../../../../src/harness/providers/claude/wire.ts";
import type { SessionEvent } from "../../../../src/harness/providers/provider.ts";

function asked(tool_name: string, input: Record<string, unknown>) {
  const heard: SessionEvent[] = [];
  const asks = createAsks({ cwd: "/w", unattended: false, on: (event) => heard.push(event), respond: async () => {} });
  asks.take("1", { subtype: "can_use_tool", tool_name, input } as PermissionAsk);
  const [event] = heard;
  if (event?.type !== "ask") throw new Error("nothing was asked");
  return event.request;
}

test("what its card does not show whole has no one-tap button", () => {
  expect(asked("Bash", { command: "make", description: "Build", timeout: 9 }).oneTap).toBe(true);
  expect(asked("Bash", { command: "make", dangerouslyDisableSandbox: true }).oneTap).toBe(false);
  expect(asked("Edit", { file_path: "/w/a", old_string: "a", new_string: "b" }).oneTap).toBe(true);
  expect(asked("NotebookEdit", { notebook_path: "/w/a", cell_id: "3", edit_mode: "delete" }).oneTap).toBe(false);
});
