import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { Glob } from "bun";

const ROOT = join(import.meta.dir, "../..");
/** Folders of tests that stand for no folder of sources. `openapi-clients` is a package of its own. */
const OTHERS = ["house", "support", "openapi-clients"];
/** First words of names that hang on the title of their group. */
const FRAGMENT =
  /^(is|are|was|has|have|does|do|that|which|whose|and|or|says|keeps|takes|gives|goes|leaves|ends|finds|gets|makes|shows|tells|holds|refuses|never|cannot|may|can|also)\b/;

const files = [...new Glob("test/**/*.ts").scanSync(ROOT)].filter((path) => !path.includes("node_modules"));
const areaOf = (path: string): string => path.split("/")[1] ?? "";

/** Names of tests as they are written, those of `test.each` among them. */
function namesIn(text: string): string[] {
  const calls = text.matchAll(/(?:\b(?:test|it)(?:\.[\w.]+(?:\([^()]*\))?)*|\]\)?[^()\n]*\))\(\s*["'`]([^"'`\n]+)/g);
  return [...calls].map(([, name = ""]) => name.replace(/^G\d+(, G\d+)*: /, ""));
}

describe("the tests", () => {
  test("each folder of tests stands for a folder of sources", () => {
    const bad = files.filter((path) => !OTHERS.includes(areaOf(path)));
    expect(bad.filter((path) => !existsSync(join(ROOT, dirname(path).replace(/^test/, "src"))))).toEqual([]);
  });

  test("helpers of tests are in test/support alone", () => {
    const helpers = files.filter((path) => !path.endsWith(".test.ts") && areaOf(path) !== "openapi-clients");
    expect(helpers.filter((path) => areaOf(path) !== "support")).toEqual([]);
  });

  test("names of tests read without the title of their group", async () => {
    const names = await Promise.all(
      files
        .filter((path) => path.endsWith(".test.ts"))
        .map(async (path) =>
          namesIn(await Bun.file(join(ROOT, path)).text())
            .filter((name) => FRAGMENT.test(name))
            .map((name) => `${path}: ${name}`),
        ),
    );
    expect(names.flat().sort()).toEqual([]);
  });
});
