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

test("G14: hidden characters of a path, an address, a diff and a tool are spelled out, and it has no one-tap button", () => {
  const hidden = "\u001b]0;/../../etc/x\u0007";
  const shown = "\\u{1b}]0;/../../etc/x\\u{7}";
  expect(asked("Write", { file_path: `/w/ok${hidden}.txt`, content: "a" })).toMatchObject({
    ...{ subject: { path: `/w/ok${shown}.txt`, diff: "+a" }, oneTap: false },
  });
  expect(asked("Write", { file_path: "/w/a\nb", content: "a\n\tb\u2066" })).toMatchObject({
    ...{ subject: { path: "/w/a\\u{a}b", diff: "+a\n+\tb\\u{2066}" }, oneTap: false },
  });
  expect(asked("WebFetch", { url: `https://a.example/${hidden}` })).toMatchObject({
    ...{ subject: { url: `https://a.example/${shown}` }, oneTap: false },
  });
  expect(asked("mcp__db\u200b__drop", {})).toMatchObject({ subject: { server: "db\\u{200b}" }, oneTap: false });
  expect(asked("mcp__db__drop", { table: "a\u202eb" }).oneTap).toBe(false);
  expect(asked("mcp__db__drop", { table: "a" }).oneTap).toBe(true);
  expect(asked("Write", { file_path: "/w/ß 👍️", content: "naïve ⚠️ café" }).oneTap).toBe(true);
});
