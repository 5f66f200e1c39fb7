import { describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atEnd } from "../../support/ending.ts";
import { markedBlocks, readPage } from "../../support/markdown.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { runTour } from "../../support/tour.ts";
import { until } from "../../support/until.ts";

const CLIENTS = join(import.meta.dir, "../../openapi-clients");
const TOOLS = join(CLIENTS, "node_modules");
const TSC = join(import.meta.dir, "../../../node_modules/typescript/bin/tsc");

interface Calls {
  calls(url: string, token: string): Promise<unknown>;
}

/** A folder for generated code, inside of the one that has the generators' packages. */
function generatedFolder(document: string): string {
  mkdirSync(join(CLIENTS, "dist"), { recursive: true });
  const folder = mkdtempSync(join(CLIENTS, "dist/client-"));
  atEnd(async () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "openapi.json"), document);
  return folder;
}

async function run(folder: string, ...args: string[]): Promise<void> {
  const ran = Bun.spawn([process.execPath, ...args], { cwd: folder, stdout: "pipe", stderr: "pipe" });
  const said = (await new Response(ran.stdout).text()) + (await new Response(ran.stderr).text());
  expect({ code: await ran.exited, said }).toMatchObject({ code: 0 });
}

const GENERATORS = {
  "openapi-typescript": [join(TOOLS, "openapi-typescript/bin/cli.js"), "openapi.json", ...["--output", "types.ts"]],
  "hey-api": [
    join(TOOLS, "@hey-api/openapi-ts/bin/run.js"),
    ...["--input", "openapi.json", "--output", ".", "--client", "@hey-api/client-fetch", "--no-log-file"],
  ],
};

describe("a client generated from the OpenAPI document", () => {
  test.each(Object.entries(GENERATORS))(
    "a client generated from the OpenAPI document by %s compiles strictly and makes seven calls",
    async (name, generate) => {
      const server = await startServer();
      const folder = generatedFolder(await (await fetch(`${server.url}/openapi.json`)).text());
      await run(folder, ...generate);
      // hey-api empties the folder first.
      writeFileSync(join(folder, "tsconfig.json"), '{ "extends": "../../tsconfig.json", "include": ["*.ts"] }');
      copyFileSync(join(CLIENTS, `by-${name}.ts`), join(folder, "calls.ts"));
      await run(folder, TSC, "--project", "tsconfig.json", "--checkers", "1");
      const { calls }: Calls = await import(join(folder, "calls.ts"));
      expect(await calls(server.url, server.operatorToken)).toEqual({
        branch: "main",
        results: ["Built."],
        cursor: 2,
        steps: expect.arrayContaining(["stored", "claimed", "completed"]),
      });
    },
  );
});

/** Prism between a client and the relay: an answer that the document does not allow becomes its own error. */
async function startPrism(document: string, server: TestServer) {
  const folder = generatedFolder(document);
  const program = join(TOOLS, "@stoplight/prism-cli/dist/index.js");
  const prism = Bun.spawn(
    ["node", program, "proxy", "openapi.json", server.url, "--errors", "--port", "0", "--host", "127.0.0.1"],
    { cwd: folder, stdout: "pipe", stderr: "pipe" },
  );
  atEnd(async () => {
    prism.kill("SIGKILL");
    await prism.exited;
  });
  let said = "";
  void (async () => {
    for await (const chunk of prism.stdout.pipeThrough(new TextDecoderStream())) said += chunk;
  })();
  const listening = () => /Prism is listening on (\S+)/.exec(said)?.[1];
  await until(() => listening() !== undefined, "Prism listens");
  return listening() ?? "";
}

/** The document with a lie about one operation: the relay lists tokens, the document says that it answers a number. */
function withLie(document: string): string {
  const lying = JSON.parse(document);
  lying.paths["/v1/tokens"].get.responses["200"].content["application/json"].schema = { type: "number" };
  return JSON.stringify(lying);
}

describe("Prism between the README's tour and the relay", () => {
  // One Prism for both: its start takes 3 s of CPU.
  test("Prism between the README's tour and the relay sees no violation of the document, but an answer that the document does not have", async () => {
    const server = await startServer();
    const url = await startPrism(withLie(await (await fetch(`${server.url}/openapi.json`)).text()), server);
    // Prism waits for the end of an answer, so it cannot stand before a stream.
    const blocks = markedBlocks(readPage("docs/tour.md").text, "tour").filter((block) => !block.includes("/stream"));
    expect(blocks.length).toBeGreaterThan(6);
    const printed = (await runTour(blocks, server, url)).join("");
    expect(printed).toContain('"step":"completed"');
    expect(printed).not.toContain("prism/errors");
    const answer = await fetch(`${url}/v1/tokens`, { headers: { authorization: `Bearer ${server.operatorToken}` } });
    expect(await answer.text()).toContain("prism/errors");
  });
});
