import { z } from "zod";
import { branchOf, pullOf, repositoryOf } from "../../protocol/repositories.ts";

const words = z.string().nullish();
const Repository = z.looseObject({ html_url: words }).nullish();
const Head = z.looseObject({ ref: words, repo: Repository }).nullish();
const Pull = z.looseObject({ html_url: words, merged: z.boolean().nullish(), head: Head });
const Checks = z.looseObject({
  conclusion: words,
  head_branch: words,
  head_repository: Repository,
  pull_requests: z.array(z.looseObject({ number: z.int() })).nullish(),
});

/** Members of GitHub's posts that tell of a pull request: https://docs.github.com/webhooks/webhook-events-and-payloads */
export const PullPost = z.looseObject({
  action: words,
  repository: Repository,
  pull_request: Pull.nullish(),
  review: z.looseObject({ state: words }).nullish(),
  check_suite: Checks.nullish(),
  workflow_run: Checks.nullish(),
});
type PullPost = z.infer<typeof PullPost>;

/** Change of pull requests. */
export interface PullNews {
  /** `host/owner/name#number` of each that is named, with its page. */
  pulls: { key: string; url: string }[];
  /** `host/owner/name@branch` of the branch that it comes from. */
  branch: string | undefined;
  /** State in the relay's words; undefined for a change that is not told. */
  state:
    | "opened"
    | "merged"
    | "closed"
    | "approved"
    | "changes requested"
    | "checks passed"
    | "checks failed"
    | undefined;
}

const FAILED = new Set(["failure", "timed_out", "startup_failure", "action_required"]);

/** Reads a post of GitHub; undefined when it is about no pull request or branch. */
export function pullNewsOf(body: unknown, kind: string | undefined): PullNews | undefined {
  const { data } = PullPost.safeParse(body);
  if (!data) return undefined;
  if (kind === "pull_request") return ofPull(data, stateOfPull(data));
  if (kind === "pull_request_review") return ofPull(data, stateOfReview(data));
  if (kind === "check_suite") return ofChecks(data, data.check_suite);
  return kind === "workflow_run" ? ofChecks(data, data.workflow_run) : undefined;
}

function ofPull({ pull_request: pull, repository }: PullPost, state: PullNews["state"]): PullNews | undefined {
  const url = pull?.html_url ?? "";
  const key = pullOf(url);
  if (!key) return undefined;
  return { pulls: [{ key, url }], branch: branchIn(pull?.head?.repo ?? repository, pull?.head?.ref), state };
}

function stateOfPull({ action, pull_request: pull }: PullPost): PullNews["state"] {
  if (action === "opened" || action === "reopened") return "opened";
  if (action !== "closed") return undefined;
  return pull?.merged ? "merged" : "closed";
}

function stateOfReview({ action, review }: PullPost): PullNews["state"] {
  if (action !== "submitted") return undefined;
  const said = review?.state?.toLowerCase();
  if (said === "approved") return "approved";
  return said === "changes_requested" ? "changes requested" : undefined;
}

function ofChecks({ action, repository }: PullPost, checks: PullPost["check_suite"]): PullNews | undefined {
  if (!checks || action !== "completed") return undefined;
  const page = repository?.html_url ?? "";
  const pulls = (checks.pull_requests ?? []).flatMap(({ number }) => {
    const url = `${page}/pull/${number}`;
    const key = pullOf(url);
    return key ? [{ key, url }] : [];
  });
  const branch = branchIn(checks.head_repository ?? repository, checks.head_branch);
  const hasFailed = FAILED.has(checks.conclusion ?? "");
  return {
    pulls,
    branch,
    state: hasFailed ? "checks failed" : checks.conclusion === "success" ? "checks passed" : undefined,
  };
}

function branchIn(repository: z.infer<typeof Repository>, ref: string | null | undefined): string | undefined {
  const found = repositoryOf(repository?.html_url ?? "");
  return found && ref ? branchOf(found, ref) : undefined;
}
