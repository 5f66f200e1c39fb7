import { expect, test } from "bun:test";
import { daemonWords } from "../../src/cli/daemon-words.ts";

test.each([
  [["orchestrator"], { config: undefined }],
  [["orchestrator", "--config", "/a.json"], { config: "/a.json" }],
  [["orchestrator", "--config=/a.json"], { config: "/a.json" }],
])("the command line %j runs the daemon's own file", (words, found) => {
  expect(daemonWords(words)).toEqual(found);
});

test.each([
  [[]],
  [["serve"]],
  [["orchestrator", "init"]],
  [["orchestrator", "--help"]],
  [["orchestrator", "--config"]],
  [["orchestrator", "--config="]],
  [["orchestrator", "--config", "--json"]],
  [["orchestrator", "--config", "/a.json", "stop"]],
])("the command line %j is read whole", (words) => {
  expect(daemonWords(words)).toBeUndefined();
});
