import { describe, expect, test } from "bun:test";
import { startChannel } from "../../support/channel.ts";

const REPO = "https://github.com/acme/app";
const PULL = `${REPO}/pull/12`;
const PULL_LINK = { kind: "pull", ref: "acme/app#12", url: PULL, evidence: "tool" };

/** A chat in which Ada asked `box-claude` for work, and an integration of GitHub. */
async function startPulls() {
  const world = await startChannel();
  const claude = await world.agent("box-claude");
  await world.agent("ops", { tags: ["ops"] });
  await world.bind({ conversationId: "c1", target: "box-claude" });
  await world.ask("PUT", "/v1/integrations/hub", { mapping: "github", target: "tag:ops" });
  const asked = (await world.event()).body.messages[0];

  /** A run on the message of the chat, ended with links. */
  async function work(links: object[], more: Record<string, unknown> = {}): Promise<string> {
    const draft = { task: "Fix the build", messageId: asked.id, project: "github.com/acme/app", ...more };
    const { body: run } = await world.ask("POST", "/v1/runs", draft, claude);
    const fence = { headers: { "signalbox-run": run.token } };
    const end = { outcome: "ok", result: "Done.", links };
    const { status } = await world.ask("POST", `/v1/runs/${run.id}/finish`, end, { ...claude, ...fence });
    if (status !== 200) throw new Error(`finishing: ${status}`);
    return run.id;
  }

  /** A post of GitHub. */
  async function hub(kind: string, body: Record<string, unknown>) {
    const post = { repository: { id: 1, full_name: "acme/app", html_url: REPO }, ...body };
    const answer = await world.ask("POST", "/v1/integrations/hub/events", post, {
      headers: { "x-github-event": kind },
    });
    if (answer.status > 201) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  }

  const head = { ref: "fix-build", sha: "abc", repo: { html_url: REPO } };
  const pull = { id: 5, number: 12, state: "open", title: "Fix", html_url: PULL, head };
  const checks = { id: 7, workflow_id: 3, name: "CI", conclusion: "failure", head_branch: "fix-build", run_number: 1 };
  return {
    ...world,
    ...{ claude, asked, work, hub, pull, checks },
    /** Texts that the adapter has to post. */
    posted: async () => (await world.claim()).map(({ message }) => message.payload.text ?? message.body),
    linksOf: async (id: string) => (await world.ask("GET", `/v1/runs/${id}`)).body.links,
    tasks: async () => (await world.ask("GET", "/v1/tasks")).body.items,
  };
}

describe("pull requests", () => {
  test("changes of a linked pull request are told once for each state, as a reply in the chat that asked, and make no task", async () => {
    const { work, hub, pull, checks, claim, linksOf, tasks, asked } = await startPulls();
    const run = await work([PULL_LINK]);
    const failed = { ...checks, pull_requests: [{ number: 12 }] };
    await hub("workflow_run", { action: "completed", workflow_run: failed });
    await hub("workflow_run", { action: "completed", workflow_run: { ...failed, run_number: 2 } });
    const [reply, ...rest] = await claim();
    expect(rest).toEqual([]);
    expect(reply?.message.replyTo).toBe(asked.id);
    expect(reply?.message.body).toBe(`acme/app#12: checks failed. ${PULL}`);
    expect(await linksOf(run)).toMatchObject([{ ...PULL_LINK, state: "checks failed", evidence: "webhook" }]);
    await hub("pull_request_review", { action: "submitted", pull_request: pull, review: { state: "approved" } });
    await hub("pull_request", { action: "closed", pull_request: { ...pull, state: "closed", merged: true } });
    expect(await linksOf(run)).toMatchObject([{ state: "merged" }]);
    expect(await tasks()).toEqual([]);
  });

  test("a pull request reaches a run by the head branch that its machine saw", async () => {
    const { work, hub, pull, posted, linksOf } = await startPulls();
    const run = await work([{ kind: "branch", ref: "fix-build", evidence: "git" }]);
    await hub("pull_request", { action: "opened", pull_request: pull });
    expect(await posted()).toEqual([`acme/app#12: opened. ${PULL}`]);
    expect(await linksOf(run)).toMatchObject([
      { kind: "branch" },
      { kind: "pull", ref: "acme/app#12", state: "opened" },
    ]);
  });

  test("a pull request that opens is a task like any other, and the answer of its run has told of it", async () => {
    const { work, hub, pull, posted, tasks } = await startPulls();
    await work([PULL_LINK]);
    await hub("pull_request", { action: "opened", pull_request: pull });
    expect(await posted()).toEqual([]);
    expect(await tasks()).toMatchObject([{ title: "acme/app#12: Fix" }]);
  });

  test("a pull request that the model only spoke of is not followed, and neither is a fork's branch", async () => {
    const { work, hub, pull, checks, posted, tasks } = await startPulls();
    await work([
      { ...PULL_LINK, evidence: "said" },
      { kind: "branch", ref: "fix-build", evidence: "git" },
    ]);
    const fork = { html_url: "https://github.com/mallory/app" };
    await hub("pull_request", { action: "opened", pull_request: { ...pull, head: { ...pull.head, repo: fork } } });
    await hub("workflow_run", { action: "completed", workflow_run: { ...checks, head_repository: fork } });
    expect(await posted()).toEqual([]);
    expect(await tasks()).toHaveLength(2);
  });

  test("changes of a pull request come into the thread of `user` that asked for its run", async () => {
    const { ask, work, hub, pull } = await startPulls();
    const { body: message } = await ask("POST", "/v1/messages", { to: "box-claude", body: "Fix it" });
    await work([PULL_LINK], { messageId: message.id });
    await hub("pull_request", { action: "closed", pull_request: { ...pull, state: "closed" } });
    const { body } = await ask("GET", `/v1/threads/${message.id}`);
    expect(body.items.at(-1)).toMatchObject({ from: "system", to: "user", body: `acme/app#12: closed. ${PULL}` });
  });
});
