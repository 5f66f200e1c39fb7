import { expect } from "bun:test";
import type { TestServer } from "./server.ts";

/**
 * Runs blocks in one shell and answers the output of each. Two things differ from the page: the relay's URL, which has a free
 * port here (or is a proxy's), and the folder of its data.
 */
export async function runTour(blocks: string[], server: TestServer, url = server.url): Promise<string[]> {
  const script = blocks
    .map((block) => block.replace("http://127.0.0.1:4747", url).replace("cat data/", `cat ${server.dataDir}/`))
    .join("\necho; echo =====\n");
  const shell = Bun.spawn(["sh", "-eu", "-c", script], { stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([
    new Response(shell.stdout).text(),
    new Response(shell.stderr).text(),
    shell.exited,
  ]);
  expect({ err, code }).toEqual({ err: "", code: 0 });
  return out.split("=====\n");
}
