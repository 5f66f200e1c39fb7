import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { withSettings } from "../scripts/readme.ts";
import { startServer } from "./support/server.ts";

const ROOT = join(import.meta.dir, "..");
const readme = await Bun.file(join(ROOT, "README.md")).text();

/** The shell blocks of the tour, as printed. */
function tour(): string[] {
  const part = /<!-- tour -->([\s\S]*?)<!-- \/tour -->/.exec(readme)?.[1] ?? "";
  return [...part.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
}

describe("the README", () => {
  test("has a tour that runs as printed", async () => {
    const server = await startServer();
    const blocks = tour();
    expect(blocks.length).toBeGreaterThan(6);
    // The only changes: the port, which is free here, and where the data is. A mark after each block tells them apart.
    const script = blocks
      .map((block) => block.replace("http://127.0.0.1:4747", server.url).replace("cat data/", `cat ${server.dataDir}/`))
      .join("\necho; echo =====\n");
    const run = Bun.spawn(["sh", "-eu", "-c", script], { stdout: "pipe", stderr: "pipe" });
    const [out, err, code] = await Promise.all([
      new Response(run.stdout).text(),
      new Response(run.stderr).text(),
      run.exited,
    ]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
    const [who, , sent, claimed, completed, inbox, explained, stream] = out.split("=====\n");
    expect(who).toContain('"role":"operator"');
    expect(sent).toContain('"state":"open"');
    expect(claimed).toContain('"token":"clm_1_1"');
    expect(completed).toContain('"state":"done"');
    expect(inbox).toContain('"body":"built in 4 s"');
    expect(inbox).toContain('{"cursor":2,"skipped":0}');
    expect(explained).toContain('"step":"completed","agentId":"builder"');
    expect(explained).toMatch(/offered to planner at \d\d:\d\d:\d\d by poll, acknowledged at/);
    expect(stream).toContain("event: hello");
    expect(stream).toContain("id: 2\nevent: message");
  }, 20_000);

  test("lists the settings that there are", () => {
    expect(withSettings(readme)).toBe(readme);
  });
});
