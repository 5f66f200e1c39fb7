import { startRelay, type TestRelay } from "./relay.ts";
import type { Recorder } from "./statements.ts";
import { until } from "./until.ts";

const BATCHES = 20;
const PER_BATCH = 1000;
const CLAIMED = 0.9;
/** Enough that statistics do not take their tables for empty. */
const RUNS = 40;

export interface Seeded extends TestRelay {
  recorder: Recorder;
  alice: { token: string };
  bob: { token: string };
  /** A message with a reply, and a piece of work that bob holds. */
  root: number;
  held: { id: number; token: string };
}

/** One thing that is asked all the time, and what of the database it may touch. */
export interface Hot {
  what: string;
  /** Done before it is listened to. */
  before?(world: Seeded): Promise<unknown>;
  ask(world: Seeded): Promise<unknown>;
  /** Each of these stands in the plan of one of its statements. */
  uses: RegExp[];
  /** Whole walks that are meant: in the order of an index, and ended by a limit. */
  walks?: RegExp;
}

const send = (world: Seeded, message: object) => world.ask("POST", "/v1/messages", message, world.alice);
const claim = (world: Seeded, want: object) => world.ask("POST", "/v1/agents/bob/claims", want, world.bob);
const get = (path: string) => (world: Seeded) => world.ask("GET", path, undefined, world.bob);

/** Everything that is asked often enough to hold the relay up if it walked. */
export const HOT: Hot[] = [
  {
    what: "lists of threads, and reading one",
    async ask(world) {
      for (const query of ["", "?participant=user", "?participant=bob", "?archived=true", "?q=x"])
        await world.ask("GET", `/v1/threads${query}`);
      await world.ask("PATCH", `/v1/threads/${world.root}`, { title: "x" });
      return world.ask("POST", `/v1/threads/${world.root}/read`, { upTo: world.root });
    },
    uses: [
      /SEARCH threads USING INDEX threads_by_activity \(last_id<\?/,
      /SEARCH threads USING INDEX threads_of_user \(last_id<\?/,
      /SEARCH threads USING INDEX threads_archived \(last_id<\?/,
      /SEARCH threads USING INTEGER PRIMARY KEY \(rowid=\?/,
      /SEARCH thread_reads .*autoindex_thread_reads_1 \(thread_id=\? AND person=\?/,
      /SEARCH messages USING (COVERING )?INDEX messages_by_thread \(thread_id=\?/,
    ],
    // In the order of an index, ended by a limit; runs that are live are few.
    walks: /^SCAN (threads USING INDEX threads_titled|runs USING (COVERING )?INDEX runs_live)/,
  },
  {
    what: "the log of a run, listed and followed, and a chat",
    async ask(world) {
      const run = (await world.ask("POST", "/v1/runs", { task: "x" }, world.bob)).body;
      const asRunner = { ...world.bob, headers: { "signalbox-run": run.token } };
      const messageIds = Array.from({ length: 500 }, (_, i) => world.root + i);
      const diff = { path: "a", change: "added", added: 1, removed: 0 };
      const events = [
        { source: "s", seq: 0, stream: "diff", data: diff },
        { source: "s", seq: 1, stream: "input", data: { messageIds, state: "started" } },
      ];
      await world.ask("POST", `/v1/runs/${run.id}/events`, { events }, asRunner);
      await world.ask("POST", `/v1/runs/${run.id}/finish`, { outcome: "ok", result: "x" }, asRunner);
      for (const path of ["events?after=0", "events?before=1000000", "diff", "events/stream", "stream"])
        await world.ask("GET", `/v1/runs/${run.id}/${path}`, undefined, world.bob);
      await world.ask("GET", `/v1/messages/${world.root}/explain`, undefined, world.bob);
      return world.ask("GET", "/v1/chat/bob/c1/stream", undefined, world.alice);
    },
    uses: [
      /SEARCH run_parts .*run_parts_of_run \(run_id=\? AND place>\?/,
      /SEARCH run_parts .*run_parts_of_run \(run_id=\? AND place<\?/,
      /SEARCH run_parts .*run_parts_diffs \(run_id=\? AND place>\?/,
      /SEARCH run_parts .*run_parts_starts \(turn_id=\?/,
      /SEARCH run_recordings .*autoindex_run_recordings_1 \(run_id=\?/,
      /SEARCH run_sources .*autoindex_run_sources_1 \(run_id=\?/,
      /SEARCH run_inputs .*autoindex_run_inputs_1 \(message_id=\?/,
      /SEARCH runs .*runs_of_session \(agent_id=\? AND session_key=\?/,
    ],
  },
  {
    what: "a run that spawns another, is heard of, and ends",
    async ask(world) {
      const top = (await world.ask("POST", "/v1/runs", { task: "x" }, world.bob)).body;
      const headers = { "signalbox-run": top.token };
      const { id } = (await world.ask("POST", "/v1/runs", { agentId: "alice", task: "x" }, { ...world.bob, headers }))
        .body;
      const child = (await world.ask("POST", `/v1/runs/${id}/start`, {}, world.alice)).body;
      const asChild = { ...world.alice, headers: { "signalbox-run": child.token } };
      const events = [{ source: "s", seq: 0, stream: "assistant", data: { delta: "x" } }];
      await world.ask("POST", `/v1/runs/${id}/events`, { events }, asChild);
      await world.ask("POST", `/v1/runs/${id}/renew`, { leaseSeconds: 300 }, asChild);
      await world.ask("POST", `/v1/runs/${top.id}/finish`, { outcome: "ok", result: "x" }, { ...world.bob, headers });
      await world.ask("POST", `/v1/runs/${id}/finish`, { outcome: "ok" }, asChild);
      await world.pass(1000);
      return world.ask("POST", `/v1/runs/${top.id}/abort`, {});
    },
    uses: [
      /SEARCH runs .*runs_by_id \(id=\?/,
      /SEARCH runs .*runs_live_of_session \(agent_id=\?/,
      /SEARCH runs .*runs_of_requester \(requester=\?/,
      /SEARCH runs .*runs_of_parent \(parent_id=\?/,
      /SEARCH runs .*runs_asked_by \(asked_by=\?/,
      /SEARCH runs .*runs_live_of_tree \(root_id=\?/,
      /SEARCH runs .*runs_due \(due_at/,
      /SEARCH run_turns .*\(id=\?/,
      /SEARCH run_turns .*run_turns_of_run \(run_id=\?/,
      /SEARCH run_parts .*run_parts_of_run \(run_id=\?/,
    ],
    // The next deadline of each source, in the order of its index.
    walks: /USING (COVERING )?INDEX (\w+_due|due_by_time)/,
  },
  {
    what: "runs of an agent, of a message, of a thread",
    async ask(world) {
      for (const query of ["agent=bob", "message=1", "thread=1", "status=running", "parent=run_x", "requester=alice"])
        await world.ask("GET", `/v1/runs?${query}`);
    },
    uses: [
      /SEARCH runs .*runs_of_agent \(agent_id=\?/,
      /SEARCH runs .*runs_of_message \(message_id=\?/,
      /SEARCH runs .*runs_of_thread \(thread_id=\?/,
      /SEARCH runs .*runs_live \(status=\?/,
    ],
    // The rows of one page, by their numbers: a table of forty is walked for them.
    walks: /^SCAN runs$/,
  },
  {
    what: "a send to a group",
    ask: (world) => send(world, { to: "tag:pool", body: "x" }),
    uses: [/SEARCH groups .*\(target=\?/],
  },
  {
    what: "a direct send with an idempotency key",
    ask: (world) => send(world, { to: "bob", body: "x", idempotencyKey: "fresh" }),
    uses: [/SEARCH messages .*messages_by_key \(idempotency_key=\? AND from_id=\?/],
  },
  {
    what: "a send by an agent that has received something",
    // Its targets and their mail are held in memory until one of them changes.
    before: (world) => world.ask("PATCH", "/v1/agents/bob", { tags: ["pool", "fresh"] }, world.bob),
    ask: (world) => world.ask("POST", "/v1/messages", { to: "alice", body: "x", causedBy: null }, world.bob),
    uses: [
      /SEARCH memberships .*\(agent_id=\?/,
      /SEARCH entries USING PRIMARY KEY \(target_id=\? AND id<\?/,
      /SEARCH attempts USING PRIMARY KEY \(message_id=\?/,
      /SEARCH work USING INTEGER PRIMARY KEY/,
    ],
  },
  {
    what: "a person's message with a cause, which resumes its chain",
    ask: (world) => world.ask("POST", "/v1/messages", { to: "bob", body: "x", causedBy: world.root }),
    uses: [/SEARCH loops USING INDEX sqlite_autoindex_loops_1 \(root_id=\? AND kind=\?/],
  },
  {
    what: "a reply",
    ask: (world) => send(world, { to: "bob", body: "x", replyTo: world.root }),
    uses: [
      /SEARCH messages USING INTEGER PRIMARY KEY \(rowid=\?\)/,
      /SEARCH messages USING INDEX messages_by_thread \(thread_id=\?\)/,
      /SEARCH a2a_pushes .*a2a_pushes_by_thread \(thread_id=\?/,
    ],
  },
  {
    what: "an inbox",
    ask: get("/v1/agents/bob/inbox?after=0"),
    uses: [
      /SEARCH e USING PRIMARY KEY \(target_id=\? AND id>\? AND id<\?/,
      /SEARCH memberships .*\(agent_id=\?/,
      /SEARCH work .*COVERING INDEX work_open \(target=\?/,
    ],
  },
  {
    what: "an acknowledgement",
    ask: (world) => world.ask("POST", "/v1/agents/bob/inbox/ack", { upTo: world.root + 1 }, world.bob),
    uses: [
      /SEARCH announcements .*announcements_sent_to \(target=\? AND message_id>\? AND message_id<\?/,
      /SEARCH agents .*\(id=\?/,
      /SEARCH losses .*\(agent_id=\?/,
    ],
  },
  {
    what: "a claim of the best open work",
    ask: (world) => claim(world, {}),
    uses: [/SEARCH work .*COVERING INDEX work_open \(target=\?/],
  },
  {
    what: "a claim by topic",
    ask: (world) => claim(world, { topics: ["t1", "t39"] }),
    uses: [/SEARCH work .*COVERING INDEX work_open_by_topic \(target=\? AND kind=\? AND topic=\?/],
  },
  {
    what: "a claim by topic and kind where nothing matches",
    ask: (world) => claim(world, { topics: ["none"], kinds: ["control"] }),
    uses: [/SEARCH work .*COVERING INDEX work_open_by_topic \(target=\? AND kind=\? AND topic=\?/],
  },
  {
    what: "a claim by kind",
    ask: (world) => claim(world, { kinds: ["system"] }),
    uses: [
      /SEARCH work .*COVERING INDEX work_open_by_topic \(target=\? AND kind=\?\)/,
      /SEARCH work .*COVERING INDEX work_open_by_topic \(target=\? AND kind=\? AND topic>\?\)/,
    ],
  },
  {
    what: "a renewal",
    ask: ({ ask, bob, held }) => ask("POST", `/v1/messages/${held.id}/renew`, { token: held.token }, bob),
    uses: [/SEARCH work USING INTEGER PRIMARY KEY/],
  },
  {
    what: "a completion",
    ask: ({ ask, bob, held }) =>
      ask("POST", `/v1/messages/${held.id}/complete`, { token: held.token, result: "done" }, bob),
    uses: [/SEARCH work USING INTEGER PRIMARY KEY/],
  },
  {
    what: "a completion with the token of an older lease",
    ask: ({ ask, bob, held }) => ask("POST", `/v1/messages/${held.id}/complete`, { token: `clm_${held.id}_0` }, bob),
    uses: [/SEARCH attempts .*\(message_id=\? AND fence=\?/],
  },
  { what: "what an agent holds", ask: get("/v1/agents/bob/claims"), uses: [/SEARCH work .*work_held \(holder=\?/] },
  {
    what: "the dead letters",
    ask: ({ ask }) => ask("GET", "/v1/dead-letters"),
    uses: [/work_dead/],
    walks: /^SCAN work USING INDEX work_dead$/,
  },
  {
    what: "what comes due",
    async ask({ clock, recorder }) {
      clock.advance(61_000);
      // The last of its sources.
      await until(
        () => recorder.heard(/select "deadline_at" from "delegations"/),
        "the timer has looked what comes next",
      );
    },
    uses: [
      /SEARCH work .*work_due \(due_at>\? AND due_at<\?/,
      /SEARCH due .*due_by_time \(at<\?/,
      /SEARCH delegations USING INDEX delegations_due \(deadline_at<\?/,
    ],
    walks: /^SCAN (due USING COVERING INDEX due_by_time|delegations USING INDEX delegations_due|offers|acks)$/,
  },
  {
    what: "a thread",
    ask: (world) => get(`/v1/threads/${world.root}`)(world),
    uses: [/SEARCH messages .*messages_by_thread \(thread_id=\? AND id>\?/],
  },
  {
    what: "a trace, and a history with traces",
    async ask(world) {
      const traces = [{ level: 2, type: "thinking", content: "hm" }];
      await world.ask("POST", `/v1/messages/${world.root}/traces`, traces, world.bob);
      await get(`/v1/history?thread=${world.root}&level=3`)(world);
    },
    uses: [
      /SEARCH traces .*traces_by_message \(message_id=\?\)/,
      /SEARCH traces .*traces_by_message \(message_id=\? AND number>\?/,
    ],
  },
  {
    what: "a list by target",
    ask: get("/v1/messages?to=bob"),
    uses: [/SEARCH e USING PRIMARY KEY \(target_id=\? AND id>\? AND id<\?/],
  },
  {
    what: "a list by topic",
    ask: get("/v1/messages?topic=t7"),
    uses: [/SEARCH e USING PRIMARY KEY \(target_id=\? AND id>\? AND id<\?/],
  },
  {
    what: "an operator's list by sender",
    ask: ({ ask }) => ask("GET", "/v1/messages?from=alice"),
    uses: [/SEARCH messages USING INTEGER PRIMARY KEY/],
  },
  {
    what: "an operator's list of everything",
    ask: ({ ask }) => ask("GET", "/v1/messages"),
    uses: [/SCAN messages/],
    walks: /^SCAN messages$/,
  },
  {
    what: "one message and its story",
    async ask(world) {
      await get(`/v1/messages/${world.held.id}`)(world);
      await get(`/v1/messages/${world.root}/explain`)(world);
    },
    uses: [
      /SEARCH offers .*offers_by_agent \(agent_id=\? AND up_to_id>\?/,
      /SEARCH acks .*\(agent_id=\?/,
      /SEARCH reads .*\(message_id=\?/,
      /SEARCH memberships .*memberships_by_target \(target=\?/,
    ],
  },
  {
    what: "a delegation, and its answer",
    async ask(world) {
      const asked = await world.ask("POST", "/v1/delegations", { to: "bob", text: "x" }, world.alice);
      await world.ask("POST", "/v1/messages", { to: "alice", body: "x", replyTo: asked.body.messageId }, world.bob);
      await world.ask("GET", `/v1/delegations/${asked.body.id}`, undefined, world.alice);
    },
    uses: [
      /SEARCH delegations USING COVERING INDEX delegations_open_from \(from_id=\?/,
      /SEARCH delegations USING INDEX delegations_open_to \(target=\?/,
      /SEARCH delegations USING INTEGER PRIMARY KEY/,
      /SEARCH memberships USING INDEX memberships_by_target \(target=\?/,
    ],
  },
  {
    what: "a delegation that is part of another",
    async ask(world) {
      const { id: parentId } = (await world.ask("POST", "/v1/delegations", { to: "bob", text: "x" })).body;
      await world.ask("POST", "/v1/delegations", { to: "alice", text: "x", parentId }, world.bob);
    },
    uses: [/SEARCH delegations USING COVERING INDEX delegations_open_of_root \(root_id=\?/],
  },
  {
    what: "an event of an integration, the first and again",
    async ask({ ask }) {
      await ask("PUT", "/v1/integrations/ci", { target: "tag:none" });
      const event = { title: "x", dedupeKey: "k" };
      for (const key of ["a", "b"])
        await ask("POST", "/v1/integrations/ci/events", event, { headers: { "idempotency-key": key } });
      await ask("POST", "/v1/integrations/ci/events", { ...event, status: "resolved" });
    },
    uses: [
      /SEARCH integrations .*\(source=\?/,
      /SEARCH idempotency_keys .*\(key=\? AND sender=\?/,
      /SEARCH tasks .*tasks_by_key \(source=\? AND dedupe_key=\?/,
      /SEARCH tasks .*tasks_by_message \(message_id=\?/,
      /SEARCH task_events .*task_events_by_task \(task_id=\?/,
    ],
  },
  {
    what: "lists of tasks",
    async ask(world) {
      for (const filter of ["status=open", "target=bob", "source=ci", "holder=bob", "severity=error"])
        await world.ask("GET", `/v1/tasks?${filter}`);
      await get("/v1/tasks")(world);
    },
    uses: [
      /SEARCH tasks .*tasks_by_status \(status=\?/,
      /SEARCH tasks .*tasks_by_target \(target=\?/,
      /SEARCH tasks .*tasks_by_source \(source=\?/,
      /SEARCH tasks .*tasks_by_holder \(holder=\?/,
      /SEARCH tasks .*tasks_by_maker \(from_id=\?/,
    ],
    walks: /^SCAN tasks USING INDEX sqlite_autoindex_tasks_1$/,
  },
  {
    what: "an event of a channel",
    async ask({ ask }) {
      const channel = { provider: "telegram", accountId: "hot" };
      await ask("PUT", "/v1/agents/telegram:hot", { name: "Hot", kind: "channel", channel });
      await ask("POST", "/v1/channels/telegram:hot/guests", { senderId: "1" });
      await ask("PUT", "/v1/channels/telegram:hot/bindings", { target: "bob", replay: true });
      const from = { conversationId: "c", threadId: "t", sender: { id: "1", name: "Ada" }, text: "x" };
      for (const externalId of ["1", "2"])
        await ask("POST", "/v1/channels/telegram:hot/events", { ...from, externalId, replyToExternalId: "1" });
    },
    uses: [
      /SEARCH channel_events .*autoindex_channel_events_1 \(channel_id=\? AND external_id=\?/,
      /SEARCH channel_bindings .*channel_bindings_by_place \(channel_id=\? AND conversation_id=\? AND thread_id=\?/,
      /SEARCH channel_events .*channel_events_unbound \(channel_id=\?/,
      /SEARCH channel_models .*autoindex_channel_models_1 \(channel_id=\? AND conversation_id=\? AND thread_id=\?/,
      /SEARCH channel_guests .*channel_guests_by_place \(channel_id=\? AND conversation_id=\? AND sender_id=\?/,
      /SEARCH channel_parts .*channel_parts_by_external_id \(channel_id=\? AND external_id=\?/,
    ],
  },
  {
    what: "a message to a channel",
    async ask({ ask }) {
      const payload = { conversation: { conversationId: "c" } };
      for (const body of ["1", "2"]) await ask("POST", "/v1/messages", { to: "telegram:hot", body, payload });
      const { items } = (await ask("POST", "/v1/agents/telegram:hot/claims", {})).body;
      const [{ message, claim }] = items;
      await ask("POST", `/v1/messages/${message.id}/posts`, { token: claim.token });
      await ask("POST", `/v1/messages/${message.id}/complete`, { token: claim.token, externalIds: ["9"] });
    },
    uses: [
      /SEARCH channel_posts .*channel_posts_waiting \(channel_id=\? AND conversation_id=\? AND thread_id=\?/,
      /SEARCH channel_posts USING INTEGER PRIMARY KEY/,
      /SEARCH channel_parts .*autoindex_channel_parts_1 \(message_id=\?/,
    ],
  },
  {
    what: "a token that was not seen before",
    ask: ({ ask }) => ask("GET", "/v1/whoami", undefined, { token: "sbx_unknown" }),
    uses: [/SEARCH tokens .*tokens_by_hash \(hash=\?/],
  },
  {
    what: "the first sends after a start, and after changes of what is held in memory",
    before: (world) => world.restart(),
    async ask(world) {
      await world.ask("POST", "/v1/webhooks", { url: "http://127.0.0.1:1/", events: ["message.created"] });
      await send(world, { to: "bob", body: "x", idempotencyKey: "first" });
    },
    uses: [
      /SEARCH agents .*\(id=\?/,
      /SEARCH work .*work_held \(holder=\?/,
      /SEARCH workers .*\(agent_id=\?/,
      /SEARCH offers .*offers_by_agent \(agent_id=\?/,
      /SEARCH scheduled_messages .*scheduled_by_key \(from_id=\?/,
      // Of a table with one row, statistics say that walking it is as good.
      /(SEARCH|SCAN) webhook_events/,
      /SEARCH webhooks .*\(id=\?/,
      /SEARCH a2a_agents .*\(agent_id=\?/,
    ],
    // The next time of anything, by its index.
    walks: /^SCAN (due|delegations) USING /,
  },
];

/** 20,000 pieces of work in forty topics, nine tenths of them claimed, and some talk. */
export async function seed(recorder: Recorder): Promise<Seeded> {
  const relay = await startRelay({ durability: "normal" });
  const alice = await relay.agent("alice");
  const bob = await relay.agent("bob", { tags: ["pool"], label: "builder", capabilities: ["shell"] });
  const root = (await relay.ask("POST", "/v1/messages", { to: "bob", body: "root" }, alice)).body.id;
  await relay.ask("POST", "/v1/messages", { to: "bob", body: "reply", replyTo: root }, alice);
  for (let batch = 0; batch < BATCHES; batch++) {
    const messages = Array.from({ length: PER_BATCH }, (_, i) => {
      const n = batch * PER_BATCH + i;
      return {
        to: "tag:pool",
        body: `${n}`,
        claimable: true,
        urgent: n % 50 === 0,
        topic: `t${n % 40}`,
        maxAttempts: 1,
      };
    });
    await relay.ask("POST", "/v1/messages/batch", { messages }, alice);
  }
  for (let claimed = 0; claimed < BATCHES * PER_BATCH * CLAIMED; claimed += 100)
    await relay.ask("POST", "/v1/agents/bob/claims", { max: 100, leaseSeconds: 86_400 }, bob);
  const { items } = (await relay.ask("GET", "/v1/agents/bob/claims", undefined, bob)).body;
  const [dead, held] = items.map((item: { message: { id: number }; claim: { token: string } }) => ({
    id: item.message.id,
    token: item.claim.token,
  }));
  await relay.ask("POST", `/v1/messages/${dead.id}/fail`, { token: dead.token, error: "no" }, bob);
  const traces = Array.from({ length: 100 }, () => ({ level: 2, type: "thinking", content: "hm" }));
  for (let id = root; id < root + 20; id++) await relay.ask("POST", `/v1/messages/${id}/traces`, traces, alice);
  for (let n = 0; n < RUNS; n++) await endedRun(relay, alice);
  // A stop merges the tail of the log into the index by target.
  await relay.restart();
  await relay.relay.settle();
  return { ...relay, recorder, alice, bob, root, held };
}

/** A run of alice that bob gets the result of. */
async function endedRun({ ask }: TestRelay, alice: { token: string }): Promise<void> {
  const { id } = (await ask("POST", "/v1/runs", { agentId: "alice", task: "x", requester: { agentId: "bob" } })).body;
  const { token } = (await ask("POST", `/v1/runs/${id}/start`, {}, alice)).body;
  const asRunner = { ...alice, headers: { "signalbox-run": token } };
  const events = [{ source: "s", seq: 0, stream: "assistant", data: { delta: "x" } }];
  await ask("POST", `/v1/runs/${id}/events`, { events }, asRunner);
  await ask("POST", `/v1/runs/${id}/finish`, { outcome: "ok" }, asRunner);
}
