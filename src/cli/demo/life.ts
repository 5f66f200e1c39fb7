import { type Client, createClient } from "../../client/client.ts";

/** Pause between two events of the demo. */
const EVERY_MS = 12_000;
/** Approvals that may wait at once: nobody may be there to answer. */
const MOST_WAITING = 3;

/** Fills a relay with something for every page: people, tasks, dead letters, a schedule, a chat, a limit, a question. */
export async function fill(operator: Client, url: string): Promise<void> {
  await operator.people.put("ada", { name: "Ada", role: "operator" });
  await operator.people.put("ben", { name: "Ben", role: "member" });
  await operator.integrations.put("ci", { target: "tag:review" });
  for (const [title, severity, dedupeKey] of [
    ["Nightly build failed", "error", "nightly"],
    ["Disk of db-1 is full", "critical", "db-1"],
  ] as const)
    await operator.integrations.post("ci", { title, severity, dedupeKey, body: "See the log of the last night." });
  const nightly = { to: "box-builder", body: "Run all tests, and tell me which fail." };
  await operator.schedules.create({ name: "Nightly tests", cron: "0 3 * * *", message: nightly });
  await makeDeadLetters(operator, url);
  await operator.channels.putWebhook("webhook:ops", { name: "Ops chat" });
  await operator.channels.bind("webhook:ops", { target: "box-echo" });
  const sender = { id: "u7", name: "Mallory" };
  const event = { conversationId: "lobby", externalId: "1", sender, text: "Hello? Is anybody there?" };
  await operator.channels.report("webhook:ops", event);
  for (const [to, body] of [
    ["box-dreamer", "/stuck"],
    ["box-thrifty", "/limit"],
    ["box-builder", "/approve rm -r build && bun run build"],
    ["box-echo", "/context"],
  ] as const)
    await operator.messages.send({ to, body });
}

/** Three messages whose worker fails for good, for the same reason. */
async function makeDeadLetters(operator: Client, url: string): Promise<void> {
  await operator.agents.register("mailer", { name: "Mailer", tags: ["mail"] });
  const { token } = await operator.tokens.create({ role: "agent", agentId: "mailer" });
  const mailer = createClient({ url, token, agentId: "mailer" });
  for (const name of ["March", "April", "May"])
    await operator.messages.send({ to: "mailer", subject: `Invoices of ${name}`, body: "Send them.", claimable: true });
  const { items } = await mailer.claims.claimNext({ max: 3 });
  for (const { message, claim } of items)
    await mailer.claims.fail(message.id, {
      token: claim.token,
      error: "The mail server refused the sender",
      final: true,
    });
}

/** Keeps something going on, one event after the other, for as long as the program runs. */
export async function live(operator: Client): Promise<never> {
  const say = (to: string, body: string) => async () => void (await operator.messages.send({ to, body }));
  const events = [
    say("box-builder", "The login test fails now and then. Find out why."),
    say("box-echo", "/trace the deployment"),
    async () =>
      void (await operator.delegations.ask({ to: "box-reviewer", text: "Review change 12.", timeoutSeconds: 300 })),
    say("box-echo", "/delegate box-reviewer Is it safe to release?"),
    async () => {
      const { items } = await operator.approvals.list({ state: "pending" });
      if (items.length < MOST_WAITING) await say("box-reviewer", "/approve git push --force origin main")();
    },
    async () => void (await operator.runs.create({ agentId: "box-builder", task: "Write the notes of the release." })),
    say("box-echo", "/agents"),
    say("box-reviewer", "/fail"),
  ];
  for (let at = 0; ; at++) {
    // A relay that the operator holds refuses some: the next one may go.
    await events[at % events.length]?.().catch(() => undefined);
    await Bun.sleep(EVERY_MS);
  }
}
