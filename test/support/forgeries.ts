import { listen } from "./listen.ts";
import { connect, type Peer } from "./mcp.ts";
import * as payloads from "./payloads.ts";
import type { Answered, TestRelay } from "./relay.ts";
import { openSocket } from "./socket.ts";

/** Members of a message that only the relay writes, and their recipient. */
export interface Forged {
  to: string;
  payload?: Record<string, unknown>;
  meta?: Record<string, unknown>;
}

/** `reserved`: 422 with that code. `unknown`: 422, the way takes no such member. `data`: taken, as data or text. */
export type Outcome = "reserved" | "unknown" | "data";

/** One way for a caller's own data into the relay. Without `takesMeta` the way has a payload alone. */
export interface Way {
  name: string;
  outcome: Outcome;
  takesMeta?: true;
  send(forged: Forged): Promise<Pick<Answered, "status" | "body">>;
}

interface Hands {
  relay: TestRelay;
  /** Agents with nothing but their own tokens. */
  eve: { token: string };
  bob: { token: string };
  /** A token of one session of a daemon. */
  session: { token: string };
}

const NOON = "2026-03-01T12:00:00Z";
const NDJSON = { headers: { "content-type": "application/x-ndjson" } };
const first = ({ status, body }: Answered): Pick<Answered, "status" | "body"> => ({
  status: body.items?.[0]?.problem?.status ?? status,
  body: body.items?.[0]?.problem ?? body,
});

/** Messages, one by one, many, later, and again and again. */
async function messageWays({ relay, eve, session }: Hands): Promise<Way[]> {
  const { ask } = relay;
  const socket = await openSocket(`${listen(relay)}/v1/agents/eve/socket`, eve);
  await socket.first("hello");
  const { body: thread } = await ask("POST", "/v1/messages", { to: "eve", body: "Well?" });
  const later = new Date(relay.clock.now() + 3_600_000).toISOString();
  const schedule = { cron: "@daily", message: { to: "bob", body: "x" } };
  const { body: planned } = await ask("POST", "/v1/schedules", schedule, eve);
  const draft = (forged: Forged, more: object = {}) => ({ body: "x", ...forged, ...more });
  const post = (more: object, by?: { token: string }) => (forged: Forged) =>
    ask("POST", "/v1/messages", draft(forged, more), by);
  const batch = (atomic: boolean, isLines: boolean) => async (forged: Forged) => {
    const body = isLines ? JSON.stringify(draft(forged)) : { messages: [draft(forged)] };
    const how = { ...eve, ...(isLines && NDJSON) };
    const answered = await ask("POST", `/v1/messages/batch?atomic=${atomic}`, body, how);
    return atomic ? answered : first(answered);
  };
  const ways: [string, Way["send"]][] = [
    ["a message of an agent", post({}, eve)],
    ["a message of an operator", post({})],
    ["a message of a session", post({}, session)],
    ["a reply", post({ replyTo: thread.id }, eve)],
    ["work", post({ claimable: true }, eve)],
    ["a message for later", post({ deliverAt: later }, eve)],
    ["a batch", batch(true, false)],
    ["a batch, each by itself", batch(false, false)],
    ["a batch of lines", batch(true, true)],
    ["a batch of lines, each by itself", batch(false, true)],
    ["a schedule", (forged) => ask("POST", "/v1/schedules", { ...schedule, message: draft(forged) }, eve)],
    ["a changed schedule", (forged) => ask("PATCH", `/v1/schedules/${planned.id}`, { message: draft(forged) }, eve)],
    [
      "a socket",
      async (forged) => {
        const { problem } = await socket.ask({ type: "send", message: draft(forged) });
        return { status: problem?.status ?? 201, body: problem };
      },
    ],
  ];
  return ways.map(([name, send]) => ({ name, outcome: "reserved", takesMeta: true, send }));
}

/** Answers, results and what two agents say to each other. */
async function verbWays({ relay, eve, bob }: Hands): Promise<Way[]> {
  const { ask } = relay;
  const { body: work } = await ask("POST", "/v1/messages", { to: "bob", body: "do", claimable: true }, eve);
  const { token } = (await ask("POST", `/v1/messages/${work.id}/claim`, {}, bob)).body.claim;
  const { body: asked } = await ask("POST", "/v1/delegations", { to: "bob", text: "do" }, eve);
  const { body: pair } = await ask("POST", "/v1/pairs", { target: "bob" }, eve);
  await ask("POST", `/v1/pairs/${pair.id}/accept`, {}, bob);
  const traces = `/v1/messages/${work.id}/traces`;
  const { body: run } = await ask("POST", "/v1/runs", { task: "Count" }, bob);
  const turn = { ...bob, headers: { "signalbox-run": run.token } };
  const socket = await openSocket(`${listen(relay)}/v1/agents/bob/socket`, bob);
  await socket.first("hello");
  const job = { id: "nightly", name: "Nightly", schedule: "0 3 * * *", enabled: true };
  await ask("PUT", "/v1/agents/bob/jobs", { items: [job] }, bob);
  const jobRun = (more: object) =>
    ask("POST", "/v1/agents/bob/jobs/nightly/runs", { id: "r1", status: "ok", startedAt: NOON, ...more }, bob);
  let seq = 0;
  const event = (stream: string, data: object) =>
    ask("POST", `/v1/runs/${run.id}/events`, [{ source: "s", seq: seq++, stream, data }], turn);
  const question = {
    ...{ agentId: "bob", kind: "question", subject: { type: "question", text: "x" }, title: "x", default: "a" },
    ...{ options: [{ id: "a", label: "A", decision: "answer" }], expiresInSeconds: 60 },
  };
  return [
    {
      ...{ name: "the result of work over a socket", outcome: "reserved" },
      async send({ payload }) {
        const frame = { type: "complete", messageId: work.id, token, result: { body: "x", payload } };
        const { problem } = await socket.ask(frame);
        return { status: problem?.status ?? 200, body: problem };
      },
    },
    {
      ...{ name: "the results of much work", outcome: "reserved" },
      send: async ({ payload }) =>
        first(
          await ask(
            "POST",
            "/v1/messages/complete",
            { items: [{ id: work.id, token, result: { body: "x", payload } }] },
            bob,
          ),
        ),
    },
    {
      ...{ name: "progress of work", outcome: "data", takesMeta: true },
      send: (forged) => ask("POST", `/v1/messages/${work.id}/renew`, { token, progress: JSON.stringify(forged) }, bob),
    },
    {
      ...{ name: "a worker's question", outcome: "unknown" },
      send: ({ payload }) =>
        ask("POST", `/v1/delegations/${asked.id}/progress`, { text: "x", question: true, payload }, bob),
    },
    {
      ...{ name: "a new run", outcome: "unknown", takesMeta: true },
      send: ({ to, payload, meta }) => ask("POST", "/v1/runs", { agentId: to, task: "x", payload, meta }, eve),
    },
    {
      ...{ name: "the result of a run", outcome: "unknown", takesMeta: true },
      send: ({ payload, meta }) => ask("POST", `/v1/runs/${run.id}/finish`, { outcome: "ok", payload, meta }, turn),
    },
    {
      ...{ name: "a tool of a run", outcome: "data", takesMeta: true },
      send: ({ payload, meta }) =>
        event("tool", { phase: "start", toolCallId: `t${seq}`, name: "x", args: { payload, meta, ...payload } }),
    },
    {
      ...{ name: "a person's words in a run", outcome: "unknown", takesMeta: true },
      send(forged) {
        const events = [{ source: "u", seq: 0, stream: "user", data: { id: "m", text: JSON.stringify(forged) } }];
        return ask("POST", `/v1/runs/${run.id}/events`, events, turn);
      },
    },
    {
      ...{ name: "meta of an approval", outcome: "data", takesMeta: true },
      send: ({ payload, meta }) =>
        ask("POST", "/v1/approvals", { ...question, meta: { ...payload, ...meta, scheduleId: "sch_forged" } }, bob),
    },
    {
      ...{ name: "an approval of the relay's kind", outcome: "unknown", takesMeta: true },
      send: (forged) => ask("POST", "/v1/approvals", { ...question, kind: "spawn", meta: { ...forged } }, bob),
    },
    {
      ...{ name: "members of a job", outcome: "unknown", takesMeta: true },
      send: ({ payload, meta }) => ask("PUT", "/v1/agents/bob/jobs", { items: [{ ...job, payload, meta }] }, bob),
    },
    {
      ...{ name: "members of a job's run", outcome: "unknown", takesMeta: true },
      send: ({ payload, meta }) => jobRun({ payload, meta }),
    },
    {
      ...{ name: "the output of a job", outcome: "data", takesMeta: true },
      send: (forged) => jobRun({ output: JSON.stringify(forged) }),
    },
    {
      ...{ name: "meta of an agent", outcome: "data", takesMeta: true },
      send: ({ payload, meta }) => ask("PUT", "/v1/agents/bob", { name: "bob", meta: { ...payload, ...meta } }, bob),
    },
    {
      ...{ name: "the result of work", outcome: "reserved" },
      send: ({ payload }) =>
        ask("POST", `/v1/messages/${work.id}/complete`, { token, result: { body: "x", payload } }, bob),
    },
    {
      ...{ name: "an answer to a delegation", outcome: "reserved" },
      send: ({ payload }) => ask("POST", `/v1/delegations/${asked.id}/response`, { text: "x", payload }, bob),
    },
    {
      ...{ name: "progress of a delegation", outcome: "unknown" },
      send: ({ payload }) => ask("POST", `/v1/delegations/${asked.id}/progress`, { text: "x", payload }, bob),
    },
    {
      ...{ name: "a delegation", outcome: "reserved" },
      send: ({ to, payload }) => ask("POST", "/v1/delegations", { to, text: "x", payload }, eve),
    },
    {
      ...{ name: "a delegation's text", outcome: "data" },
      send: (forged) => ask("POST", "/v1/delegations", { to: forged.to, text: JSON.stringify(forged) }, eve),
      takesMeta: true,
    },
    {
      ...{ name: "a message of a pair", outcome: "reserved" },
      send: ({ payload }) => ask("POST", `/v1/pairs/${pair.id}/messages`, { body: "x", payload }, bob),
    },
    {
      ...{ name: "a trace", outcome: "data", takesMeta: true },
      send: ({ payload, meta }) =>
        ask("POST", traces, [{ level: 3, type: "tool_call", content: "x", metadata: payload ?? meta }], bob),
    },
    {
      ...{ name: "a task", outcome: "data" },
      send: ({ to, payload }) => ask("POST", "/v1/tasks", { title: "x", target: to, payload }, eve),
    },
    {
      ...{ name: "a run", outcome: "unknown", takesMeta: true },
      send: ({ payload, meta }) => ask("POST", `/v1/runs/${run.id}/messages`, { text: "x", payload, meta }, eve),
    },
  ];
}

/** Tools of a model, and agents of other systems. */
async function modelWays({ relay, eve, session }: Hands): Promise<Way[]> {
  const peers: [name: string, peer: Peer, to?: string][] = [
    ["an agent", await connect(relay, eve.token)],
    // No agent delegates to itself.
    ["a session", await connect(relay, session.token), "orchestrator-box"],
  ];
  const said = ({ isError, text }: { isError: boolean; text: string }) => ({
    status: isError ? 422 : 200,
    body: { code: "invalid", text },
  });
  const tools = (name: string, peer: Peer, toOf: (forged: Forged) => string): Way[] => [
    ...["send", "reply", "delegate", "answer"].map(
      (tool): Way => ({
        ...{ name: `${tool} of ${name} with members`, outcome: "unknown", takesMeta: true },
        send: async (forged) => said(await peer.call(tool, { text: "x", ...forged })),
      }),
    ),
    ...["send", "delegate"].map(
      (tool): Way => ({
        ...{ name: `${tool} of ${name} with text`, outcome: "data", takesMeta: true },
        send: async (forged) => said(await peer.call(tool, { to: toOf(forged), text: JSON.stringify(forged) })),
      }),
    ),
  ];
  let count = 0;
  const a2a = (message: (forged: Forged) => object): Way["send"] => {
    return async (forged) => {
      const params = {
        message: { messageId: `m${++count}`, role: "ROLE_USER", ...message(forged) },
        configuration: { returnImmediately: true },
        metadata: { ...forged.payload, ...forged.meta },
      };
      const how = { ...eve, headers: { "a2a-version": "1.0" } };
      const call = { jsonrpc: "2.0", id: 1, method: "SendMessage", params };
      const { status, body } = await relay.ask("POST", `/a2a/${forged.to}`, call, how);
      return { status: body.error ? 422 : status, body: body.error ?? body };
    };
  };
  return [
    ...peers.flatMap(([name, peer, to]) => tools(name, peer, (forged) => to ?? forged.to)),
    {
      ...{ name: "A2A data", outcome: "data", takesMeta: true },
      send: a2a(({ payload, meta }) => ({ parts: [{ text: "x" }, { data: { payload, meta, ...payload } }] })),
    },
    {
      ...{ name: "A2A metadata", outcome: "data", takesMeta: true },
      send: a2a(({ payload, meta }) => ({ parts: [{ text: "x" }], metadata: { payload, meta, ...payload, ...meta } })),
    },
  ];
}

/** Chats of web pages, whose answers are streams. */
function pageWays({ relay, eve }: Hands): Way[] {
  let count = 0;
  const say = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${eve.token}`, "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const { status, body: stream } = await relay.relay.app.handle(new Request(`http://localhost${path}`, init));
    await stream?.cancel();
    return { status, body: {} };
  };
  return [
    {
      ...{ name: "a chat of the AI SDK", outcome: "data", takesMeta: true },
      send({ to, payload, meta }) {
        const parts = [
          { type: "text", text: "x" },
          { type: "data-forged", data: payload },
        ];
        const message = { id: `m${++count}`, role: "user", parts, metadata: meta, payload, meta };
        return say(`/v1/chat/${to}`, { id: "page", messages: [message] });
      },
    },
    {
      ...{ name: "a chat of AG-UI", outcome: "data", takesMeta: true },
      send({ to, payload, meta }) {
        const message = { id: `m${++count}`, role: "user", content: "x", payload, meta };
        const props = { state: payload, forwardedProps: { payload, meta } };
        return say(`/v1/agui/${to}`, { threadId: "page", runId: `r${count}`, messages: [message], ...props });
      },
    },
  ];
}

const MAPPED: [mapping: string, sample: object, kind: string | undefined, more?: object][] = [
  ["alertmanager", payloads.alertmanager, undefined],
  ["grafana", payloads.grafana, undefined],
  ["github", payloads.githubIssue, "issues"],
  ["sentry", payloads.sentryIssue, undefined],
  ["paths", { title: "x" }, undefined, { paths: { title: "$.title" } }],
];

/** Systems that report events. */
async function sourceWays({ relay }: Hands): Promise<Way[]> {
  const { ask } = relay;
  const source = (name: string, to: string, more: object) =>
    ask("PUT", `/v1/integrations/${name}`, { target: to, ...more });
  return [
    {
      ...{ name: "an event of the relay's own shape", outcome: "data" },
      async send({ to, payload }) {
        await source("own", to, {});
        return ask("POST", "/v1/integrations/own/events", { title: "x", payload });
      },
    },
    ...MAPPED.map(
      ([mapping, sample, kind, more]): Way => ({
        ...{ name: `an event of ${mapping}`, outcome: "data", takesMeta: true },
        async send({ to, payload, meta }) {
          await source(mapping, to, { mapping, ...more });
          const headers: Record<string, string> = kind
            ? { "x-github-event": kind }
            : { "sentry-hook-resource": "issue" };
          const body = { ...sample, ...payload, ...meta, payload, meta };
          return ask("POST", `/v1/integrations/${mapping}/events`, body, { headers });
        },
      }),
    ),
  ];
}

/** Chats, whose adapter speaks by `event`. */
export function chatWays(name: string, event: (more: object) => Promise<Pick<Answered, "status" | "body">>): Way[] {
  return [
    {
      ...{ name: `${name}: an event's payload`, outcome: "unknown" },
      send: ({ payload }) => event({ text: "x", payload }),
    },
    {
      ...{ name: `${name}: an event's members`, outcome: "unknown" },
      send: ({ payload }) => event({ text: "x", ...payload }),
    },
    {
      ...{ name: `${name}: an event's meta`, outcome: "reserved", takesMeta: true },
      send: ({ payload, meta }) => event({ text: "x", meta: meta ?? { schedule: payload } }),
    },
    {
      ...{ name: `${name}: an event's text`, outcome: "data", takesMeta: true },
      send: (forged) => event({ text: JSON.stringify(forged) }),
    },
  ];
}

/** Every way in but chats. */
export const waysIn = async (hands: Hands): Promise<Way[]> => [
  ...(await messageWays(hands)),
  ...(await verbWays(hands)),
  ...(await modelWays(hands)),
  ...pageWays(hands),
  ...(await sourceWays(hands)),
];
