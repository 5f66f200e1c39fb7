import { describe, expect, test } from "bun:test";
import { withLinks } from "../../src/protocol/link-text.ts";
import { pullOf, repositoryOf } from "../../src/protocol/repositories.ts";

describe("repositories", () => {
  test.each([
    ["git@github.com:acme/app.git", "github.com/acme/app"],
    ["https://github.com/acme/app.git", "github.com/acme/app"],
    ["https://token:secret@GitHub.com/acme/app/", "github.com/acme/app"],
    ["ssh://git@git.example.org:2222/team/sub/app.git", "git.example.org/team/sub/app"],
  ])("the repository of the remote %s has one name", (remote, repository) => {
    expect(repositoryOf(remote)).toBe(repository);
  });

  test.each(["/srv/git/app.git", "../app", "C:\\work\\app", "file:///srv/app", "origin", "", "https://github.com"])(
    "no repository is read from %p",
    (remote) => expect(repositoryOf(remote)).toBeUndefined(),
  );
});

test("a pull request is named by its page alone", () => {
  expect(pullOf("https://github.com/acme/app/pull/12/files?w=1")).toBe("github.com/acme/app#12");
  expect(pullOf("https://gitlab.example.org/team/sub/app/-/merge_requests/7")).toBe(
    "gitlab.example.org/team/sub/app#7",
  );
  for (const other of ["https://github.com/acme/app/issues/12", "https://github.com/pull/12", "acme/app#12"])
    expect(pullOf(other)).toBeUndefined();
});

describe("links of an answer", () => {
  const pull = { kind: "pull", ref: "acme/app#12", url: "https://github.com/acme/app/pull/12" } as const;

  test("an answer for a chat ends with its links, pull requests first", () => {
    const branch = { kind: "branch", ref: "fix", state: "2 ahead", evidence: "git" } as const;
    const said = withLinks("Done.", [branch, { ...pull, state: "merged", evidence: "webhook" }]);
    expect(said).toBe("Done.\n\nacme/app#12 https://github.com/acme/app/pull/12 (merged)\nbranch fix (2 ahead)");
  });

  test("an answer for a chat leaves out links that the model only said, or that its text names", () => {
    expect(withLinks("Done.", [{ ...pull, evidence: "said" }])).toBe("Done.");
    expect(withLinks(`See ${pull.url}`, [{ ...pull, evidence: "tool" }])).toBe(`See ${pull.url}`);
  });
});
