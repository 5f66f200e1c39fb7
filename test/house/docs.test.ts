import { expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { withDaemonTables } from "../../scripts/daemon-table.ts";
import { withProviders } from "../../scripts/providers-table.ts";
import { withSettings } from "../../scripts/settings-table.ts";
import { allPages, anchorsOf, proseOf, ROOT, readPage } from "../support/markdown.ts";
import { startRelay } from "../support/relay.ts";

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

test("the page about providers lists those that there are, with their abilities", () => {
  const { text } = readPage("docs/providers.md");
  expect(withProviders(text)).toBe(text);
  expect(text).toContain("| `opencode` |");
});

test("settings that pages name are settings", () => {
  const { text } = readPage("docs/configuration.md");
  const others =
    /^SIGNALBOX_(URL|AGENT|INSTANCE|SESSION|MCP_TOKEN|RUN|UNREAD|MESSAGE_ID|THREAD_ID|FROM|ATTEMPT|LEASE_TOKEN|PASSWORD|RUN_ID|RUN_TOKEN)$/;
  const named = pages.flatMap((page) => page.text.match(/SIGNALBOX_[A-Z_]+[A-Z]/g) ?? []);
  const unknown = named.filter((name) => !text.includes(`| \`${name}\` |`) && !others.test(name));
  expect([...new Set(unknown)]).toEqual([]);
});

test("package scripts that pages name are there", () => {
  const named = pages.flatMap(({ text }) =>
    [...text.matchAll(/\b(?:bun|npm) run ([a-z][a-z:-]*)/g)].map(([, name]) => name),
  );
  expect(named.length).toBeGreaterThan(5);
  const known = Object.keys(manifest.scripts);
  expect(named.filter((name) => name && !known.includes(name))).toEqual([]);
});

test("routes that pages name are in the interface", async () => {
  const { ask } = await startRelay();
  const { body } = await ask("GET", "/openapi.json");
  const routes = Object.keys(body.paths).map((path) => path.split("/"));
  /** A placeholder of the page or of the interface stands for any word. */
  const same = (one: string, other: string) => one === other || /^[{$<]/.test(one) || other.startsWith("{");
  const isKnown = (path: string) => {
    const words = path.split("/");
    return routes.some(
      (route) => route.length === words.length && route.every((word, at) => same(words[at] ?? "", word)),
    );
  };
  const named = pages.flatMap(({ text }) => text.match(/\/v1\/[\w{}<>$:/-]*[\w}>]/g) ?? []);
  expect(named.length).toBeGreaterThan(50);
  expect(isKnown("/v1/nonsense")).toBe(false);
  expect([...new Set(named)].filter((path) => !isKnown(path))).toEqual([]);
});

test("scripts that pages call are executable", () => {
  for (const name of ["examples/worker.sh", "scripts/signalbox", "scripts/start", "scripts/test"])
    expect(statSync(join(ROOT, name)).mode & 0o111).toBe(0o111);
});

test("the tables of the daemon's configuration are those of its shapes", () => {
  const { text } = readPage("docs/orchestrator-daemon.md");
  expect(withDaemonTables(text)).toBe(text);
});
