import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import type { RunRow } from "../../features/runs/row.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { branchOf, pullOf, repositoryOf } from "../../protocol/repositories.ts";
import type { RunChange, RunLink } from "../../protocol/runs.ts";
import type { Channels } from "../channels/channels.ts";
import { type PullNews, pullNewsOf } from "./news.ts";
import { createReplies } from "./replies.ts";
import { createPullStore } from "./store.ts";

const SLICE = 200;

export type Pulls = ReturnType<typeof createPulls>;

/** Pull requests that runs link to: a change of one is told in the place where its work was asked for. */
export function createPulls(areas: Areas & { runs: Runs; channels: Channels }) {
  const { clock } = areas.kernel;
  const { links } = areas.runs;
  const store = createPullStore();
  const replies = createReplies(areas, store);
  const sweeps: Sweep[] = [
    { name: "pulls.links", limit: SLICE, sweep: (tx, { before, limit }) => store.forgetLinks(tx, before, limit) },
    { name: "pulls.replies", limit: SLICE, sweep: (tx, { before, limit }) => store.forgetReplies(tx, before, limit) },
  ];

  /** Follows the links of a run. */
  async function followRun(tx: Tx, _: RunChange, run: RunRow): Promise<void> {
    if (run.links === "[]") return;
    const keys = (JSON.parse(run.links) as RunLink[]).flatMap((link) => keyOf(link, run.project) ?? []);
    for (const key of new Set(keys)) await store.link(tx, { key, runId: run.id, createdAt: clock.now() });
  }

  /** Runs that link to a pull request, or to the branch that it comes from. */
  async function runsOf(tx: Tx, key: string, branch: string | undefined): Promise<Set<string>> {
    const byBranch = branch === undefined ? [] : await store.runsOf(tx, branch);
    return new Set([...(await store.runsOf(tx, key)), ...byBranch]);
  }

  async function tell(tx: Tx, { branch, state }: PullNews, pull: PullNews["pulls"][number]): Promise<boolean> {
    const runIds = await runsOf(tx, pull.key, branch);
    const ref = pull.key.slice(pull.key.indexOf("/") + 1);
    for (const runId of runIds) {
      const link: RunLink = { kind: "pull", ref, url: pull.url, evidence: "webhook", ...(state && { state }) };
      const known = await links.note(tx, runId, link);
      // The answer of the run has told of a pull request that its own tool opened.
      const isNews = state !== undefined && !(state === "opened" && known.before);
      if (isNews && known.run)
        await replies.tell(tx, known.run, { pull: pull.key, state, text: `${ref}: ${state}. ${pull.url}` });
    }
    return runIds.size > 0;
  }

  return {
    followRun,
    sweeps,

    /**
     * Takes a post of GitHub, inside its write. Answers whether it is a change of a pull request that a run links to: such a change
     * makes no task. A pull request that opens is work like any other.
     */
    async take(tx: Tx, body: unknown, kind: string | undefined): Promise<boolean> {
      const news = pullNewsOf(body, kind);
      if (!news) return false;
      let isLinked = news.branch !== undefined && (await store.runsOf(tx, news.branch)).length > 0;
      for (const pull of news.pulls) isLinked = (await tell(tx, news, pull)) || isLinked;
      return isLinked && news.state !== "opened";
    },
  };
}

/** Key of a link; undefined for one that no post of GitHub is about, and for a pull request that the model only spoke of. */
function keyOf({ kind, ref, url, evidence }: RunLink, project: string | null): string | undefined {
  if (kind === "pull" && evidence !== "said") return pullOf(url ?? "");
  if (kind !== "branch" || evidence !== "git" || !ref) return undefined;
  const repository = repositoryOf(url ?? "") ?? repositoryOf(`https://${project ?? ""}`);
  return repository && branchOf(repository, ref);
}
