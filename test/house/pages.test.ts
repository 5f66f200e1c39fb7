import { expect, test } from "bun:test";
import { allPages, markedBlocks, readPage } from "../support/markdown.ts";
import { openPageShell } from "../support/page-shell.ts";
import { startReceiver } from "../support/receiver.ts";

const tour = markedBlocks(readPage("docs/tour.md").text, "tour");

/** Blocks of the tour that a page goes on from: an operator, a planner, a builder, and job 1. */
const BEFORE = 3;

/** A part of what each page's blocks print. */
const PRINTS: Record<string, string[]> = {
  "README.md": ["Message 1 to builder, which is 1 agent", "acknowledged at", "Which branch?", "Message 3 to builder"],
  "docs/a2a.md": ['"TASK_STATE_COMPLETED"', '"jsonrpc":"2.0","id":1,"result"'],
  "docs/bulk.md": ["requeue of 0, 0 done, 0 failed, done", "archive of 1, 1 done"],
  "docs/channels.md": ['"routed":1', "tier"],
  "docs/cli.md": ["Message 1 to reviewer, which is 1 agent", "acknowledged at"],
  "docs/commands.md": ['"approvalId":null', "reviewer is stored", "reviewer is deleted"],
  "docs/concepts.md": ["builder"],
  "docs/delegations.md": ['"status":"answered"', "None."],
  "docs/files.md": ["notes.md", "copy.md"],
  "docs/holds.md": ["Deploying the database", "No session was live in its scope"],
  "docs/orchestrators.md": ["orchestrator-box", "draining"],
  "docs/pairs.md": ["pending", "active", "ended"],
  "docs/schedules.md": ["planner", "paused"],
  "docs/sessions.md": ["ses_shed1", '"fence":1'],
  "docs/tasks.md": ["Disk of db-1 is full", "done", "Nightly failed"],
  "docs/traces.md": ['"exitCode":0', "12 passed"],
  "docs/upgrading.md": ["0 messages ago", "Safe to upgrade: stop the relay, install the new version, start it."],
  "docs/webhooks.md": ["https://example.com/hook", "0 on their way again"],
};

const marked = allPages().filter(({ text }) => markedBlocks(text, "run").length > 0);

test("every page with blocks that run is looked at here", () => {
  expect(marked.map(({ path }) => path).toSorted()).toEqual(Object.keys(PRINTS));
});

test.each(marked.map(({ path, text }) => [path, text]))("the blocks of %s run as printed", async (path, text) => {
  // Messages for a webhook go to loopback here, never to the address that the page names.
  const receiver = path === "docs/channels.md" ? startReceiver() : undefined;
  const meant = (block: string) => (receiver ? block.replace("https://example.com/hook", receiver.url) : block);
  const shell = await openPageShell();
  const blocks = markedBlocks(text, "run");
  // The first message of a page that begins with none has to be message 1.
  if (!text.includes("signalbox explain 1")) for (const block of tour.slice(0, BEFORE)) await shell.run(block);
  let printed = "";
  for (const block of blocks) printed += await shell.run(meant(block));
  for (const part of PRINTS[path] ?? []) expect(printed).toContain(part);
});
