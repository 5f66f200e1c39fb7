import { describe, expect, test } from "bun:test";
import { axeFaults } from "../support/axe.ts";
import { noBrowser } from "../support/browser.ts";
import { openConsole } from "../support/console.ts";
import { delta, numbered, thought, toolResult, toolStart } from "../support/parts.ts";
import { type Crew, type ShownRun, startCrew } from "../support/runs.ts";

/** Appends events of a runner, numbered from 0 on. */
function runnerOf(crew: Crew, run: ShownRun) {
  let seq = 0;
  return async (...events: object[]) => {
    const sent = await crew.does(crew.bob, run, "events", numbered(events, seq), run);
    if (sent.status >= 300) throw new Error(JSON.stringify(sent.body));
    seq += events.length;
  };
}

const HOSTILE = '<img src=x onerror="document.title=1"> \u202egnp';
const diff = (path: string) => ({
  ...{
    stream: "diff",
    data: { path, change: "modified", added: 1, removed: 1, patch: "@@ -1 +1 @@\n-old\n+<b>new</b>" },
  },
});

describe.skipIf(noBrowser !== undefined)(`runs in the console ${noBrowser ?? ""}`, () => {
  test("a run watched live grows part by part without a reload, and others' text is shown as text", async () => {
    const crew = await startCrew();
    const run = await crew.take(crew.bob, await crew.run(crew.ada, { agentId: "bob", task: "Fix <i>it</i>." }));
    const tells = runnerOf(crew, run);
    await tells(thought("Hm, let me see."), toolStart("c1", { command: "bun test\nls" }));
    const { page, faults } = await openConsole(crew, `/runs/${run.id}`);
    await page.getByRole("heading", { name: "bob works on “Fix <i>it</i>.”" }).waitFor();
    await page.getByText("thought · 15 characters").waitFor();
    await page.getByText("running", { exact: true }).waitFor();
    await tells(toolResult("c1", { content: HOSTILE, details: { exitCode: 3 } }), delta("It is "));
    await page.getByRole("button", { name: /shell.*bun test.*exit 3/ }).click();
    await page.getByText('<img src=x onerror="document.title=1"> \\u{202e}gnp').waitFor();
    await page.getByText("It is", { exact: true }).waitFor();
    await tells(delta("the <script>parser</script>."), diff("src/<b>.ts"));
    await page.getByText("It is the <script>parser</script>.").waitFor();
    await page.getByRole("button", { name: /src\/<b>.ts.*\+1 −1/ }).click();
    await page.getByText("+<b>new</b>").waitFor();
    await crew.finish(crew.bob, run);
    await page.getByRole("heading", { name: /bob is done with/ }).waitFor();
    expect(await page.locator("main img, main script, main i, main b").count()).toBe(0);
    expect(await axeFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("telling and aborting a run reach its runner; a viewer sees neither", async () => {
    const crew = await startCrew();
    await crew.ask("PUT", "/v1/people/vic", { name: "Vic", role: "viewer" });
    const child = await crew.take(crew.bob, await crew.run(crew.ada, { agentId: "bob" }));
    const { page, another } = await openConsole(crew, "/runs");
    await page.getByRole("heading", { name: "1 run, 1 under way" }).waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /bob works on/ }).waitFor();
    await page.keyboard.press("m");
    await page.keyboard.type("Look at <b>tests</b>, im");
    await page.keyboard.press("Enter");
    await page.getByText(/hears it/).waitFor();
    await page.getByRole("button", { name: "Abort" }).click();
    await page.getByRole("heading", { name: /bob stops/ }).waitFor();
    const words = await crew.words(crew.bob);
    expect(words.map((word) => word.do)).toContain("abort");
    const vic = await another({ personId: "vic" });
    await vic.page.goto(`${vic.url}/runs/${child.id}`);
    await vic.page.getByText("vic is a viewer: operators and members tell and stop it.").waitFor();
    expect(await vic.page.getByRole("button", { name: /Abort|Tell|Hold/ }).count()).toBe(0);
    await crew.finish(crew.bob, child, { outcome: "aborted" });
    await vic.page.getByRole("heading", { name: /was stopped/ }).waitFor();
  });

  test("a run of many parts opens at its end, and older parts come on scrolling up", async () => {
    const crew = await startCrew();
    const run = await crew.take(crew.bob, await crew.run(crew.ada, { agentId: "bob" }));
    const tells = runnerOf(crew, run);
    const calls = Array.from({ length: 1200 }, (_, i) => [
      toolStart(`c${i}`, { command: `step ${i}` }),
      toolResult(`c${i}`, ""),
    ]);
    await tells(...calls.flat());
    const { page } = await openConsole(crew, `/runs/${run.id}`);
    const step = (i: number) => page.getByText(`step ${i}`, { exact: true });
    await step(1199).waitFor();
    expect(await step(0).count()).toBe(0);
    while ((await step(0).count()) === 0) {
      await page.mouse.move(400, 400);
      await page.mouse.wheel(0, -6000);
      await page.evaluate(() => new Promise((done) => setTimeout(done, 30)));
    }
  });
});
