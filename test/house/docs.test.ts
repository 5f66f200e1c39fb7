import { expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { withSettings } from "../../scripts/settings-table.ts";
import { allPages, anchorsOf, proseOf, ROOT, readPage } from "../support/markdown.ts";

const pages = allPages();

/** Relative links of a page, as paths below the project with their anchors. */
const linksOf = ({ path, text }: { path: string; text: string }) =>
  [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [file = "", anchor] = link.split("#");
      return { link, anchor, target: file === "" ? path : relative(ROOT, join(ROOT, dirname(path), file)) };
    });

test.each(pages.map((page) => [page.path, page] as const))("every link of %s leads somewhere", (_, page) => {
  const broken = linksOf(page).filter(({ target, anchor }) => {
    if (!existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && !anchorsOf(readPage(target).text).includes(anchor);
  });
  expect(broken.map(({ link }) => link)).toEqual([]);
});

test("every page of docs is in its index", () => {
  const listed = linksOf(readPage("docs/README.md")).map(({ target }) => target);
  const missing = pages.filter(({ path }) => path.startsWith("docs/") && !listed.includes(path));
  expect(missing.map(({ path }) => path)).toEqual(["docs/README.md"]);
});

test("every path of the project that a page names is there", () => {
  const named = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/(?<![\w/.])(?:src|test|scripts|deploy|examples)\/[\w./-]*[\w/]/g)].map(([name]) => ({
      path,
      name,
    })),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ name }) => !existsSync(join(ROOT, name)))).toEqual([]);
});

test("the README has at most 150 lines", () => {
  expect(readPage("README.md").text.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
});

test("the page about the configuration lists the settings that there are", () => {
  const { text } = readPage("docs/configuration.md");
  expect(withSettings(text)).toBe(text);
});

test("settings that pages name are settings", () => {
  const { text } = readPage("docs/configuration.md");
  const others = /^SIGNALBOX_(URL|AGENT|INSTANCE|SESSION|RUN|UNREAD|MESSAGE_ID|THREAD_ID|FROM|ATTEMPT|LEASE_TOKEN)$/;
  const named = pages.flatMap((page) => page.text.match(/SIGNALBOX_[A-Z_]+[A-Z]/g) ?? []);
  const unknown = named.filter((name) => !text.includes(`| \`${name}\` |`) && !others.test(name));
  expect([...new Set(unknown)]).toEqual([]);
});

test("scripts that pages call are executable", () => {
  for (const name of ["examples/worker.sh", "scripts/signalbox", "scripts/start", "scripts/test"])
    expect(statSync(join(ROOT, name)).mode & 0o111).toBe(0o111);
});
