import { createClient } from "../../src/client/client.ts";
import type { RunEventInput } from "../../src/protocol/run-events.ts";
import type { Run } from "../../src/protocol/runs.ts";
import { createFarEnd, createStillTime, createStream, type FarEnd, message, problem, until } from "./client-harness.ts";

const USAGE = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd: 0, byModel: {} };

export function runOf(id: string, fields: Partial<Run> = {}): Run {
  const turnId = fields.turnId ?? `trn_${id.slice(4)}`;
  return {
    id,
    ...{ agentId: "a", sessionKey: id, sessionId: null, orchestratorId: null, task: "do it", label: null },
    ...{ cause: "message", messageId: null, threadId: null, delegationId: null, parentId: null, rootRunId: id },
    ...{ depth: 0, requester: null, person: null, origin: null, project: null, tags: [], links: [] },
    ...{ status: "running", outcome: null, errorCode: null, error: null, confirmed: null, late: false, turnId },
    turns: [{ turnId, startedAt: null, endedAt: null, outcome: null, late: false }],
    ...{ model: null, cwd: null, usage: USAGE, result: null, encoding: "plain", deadlineAt: null, wokenAt: null },
    ...{ wakeOnSettle: true, approvalId: null, createdAt: "2026-01-01T00:00:00.000Z", endedAt: null },
    ...fields,
  };
}

export type FarRuns = ReturnType<typeof createFarRuns>;

/** A relay with runs, as far as a runner meets it, that answers otherwise where a test says so. */
export function createFarRuns() {
  const far = createFarEnd();
  const time = createStillTime();
  /** Connections to the agent's inbox; the last one is open, or waits for its first reader. */
  const inboxes = [createStream()];
  let connections = 0;
  const inbox = () => inboxes.at(-1) ?? createStream();
  const stored: RunEventInput[] = [];
  const state = { status: "running" as Run["status"], queued: [] as Run[], running: [] as Run[] };
  /** Answers that a test gives instead, by the end of the path; undefined: as usual. */
  const instead: Record<
    string,
    (request: FarEnd["requests"][number]) => Response | Promise<Response | undefined> | undefined
  > = {};

  /** Everything that was said to a turn, as a part of its log. */
  const said: { turnId: string; text: string }[] = [];
  const saidIn = (turn: string | null) => ({
    items: said
      .filter(({ turnId }) => turnId === turn)
      .map(({ turnId, text }, place) => ({
        ...{ place, turnId, at: "2026-01-01T00:00:00.000Z" },
        part: { type: "data-user-message", data: { text } },
      })),
    ...{ next: null, full: true },
  });
  const storedOf = (source: string) => stored.filter((one) => one.source === source).length;

  /** Stores events up to the first gap; repeats change nothing. */
  function append(events: RunEventInput[]): Response {
    const source = events[0]?.source ?? "";
    for (const event of events) if (event.seq === storedOf(source)) stored.push(event);
    const [next, last] = [storedOf(source), events.at(-1)?.seq ?? 0];
    return Response.json({ next, ...(last >= next && { missing: { from: next, to: last - 1 } }) });
  }

  far.answer(async (request) => {
    const { path, method, body, query } = request;
    const special = Object.keys(instead).find((end) => path.endsWith(end));
    const answer = special && (await instead[special]?.(request));
    if (answer) return answer;
    const id = /\/v1\/runs\/(\w+)/.exec(path)?.[1] ?? "run_1";
    const token = `rnt_${id.slice(4)}`;
    if (path.endsWith("/inbox/stream")) {
      if (connections++ > 0) inboxes.push(createStream());
      return inbox().response();
    }
    if (path.endsWith("/inbox")) return Response.json({ items: [], cursor: 0, head: 7, more: false, open: false });
    if (path === "/v1/runs" && method === "POST")
      return Response.json(runOf("run_1", { ...Object(body), token }), { status: 201 });
    if (path === "/v1/runs")
      return Response.json({ items: query.get("status") === "queued" ? state.queued : state.running, nextPage: null });
    if (path.endsWith("/start")) return Response.json(startOf(id, token));
    if (path.endsWith("/renew"))
      return Response.json({
        status: state.status,
        turnId: `trn_${id.slice(4)}`,
        expiresAt: "2026-01-01T00:10:00.000Z",
      });
    if (path.endsWith("/events") && method === "GET") return Response.json(saidIn(query.get("turn")));
    if (path.endsWith("/events") && method === "POST") return append(Object(body).events);
    if (path.endsWith("/finish")) return Response.json(runOf(id, { status: "ended", outcome: Object(body).outcome }));
    return problem("not-found");
  });

  let underWay = 0;
  /** Counts a request until the client has its answer. Streams have no time limit, and begin with their first event. */
  async function counted(url: string, init?: RequestInit): Promise<Response> {
    if (url.includes("/stream")) return fetch(url, init);
    underWay++;
    try {
      const response = await fetch(url, init);
      return new Response(await response.arrayBuffer(), response);
    } finally {
      setImmediate(() => underWay--);
    }
  }

  function startOf(id: string, token: string) {
    const run = [...state.queued, ...state.running].find((one) => one.id === id) ?? runOf(id);
    state.queued = state.queued.filter((one) => one.id !== id);
    return { run: { ...run, status: "running" }, turnId: run.turnId, token };
  }

  return {
    ...{ far, time, stored, said, state, instead },
    get inbox() {
      return inbox();
    },
    client: createClient({ url: far.url, agentId: "a", timing: time.timing, fetch: counted }),
    /** Lets time pass until the condition holds, but none while a request is under way: it would run into its time limit. */
    passUntil: (stepMs: number, condition: () => boolean) =>
      until(() => {
        if (condition()) return true;
        if (underWay === 0) time.advance(stepMs);
        return false;
      }),
    /** Sends a control message about a run. */
    control(id: string, what: object, messageId = 8) {
      const turnId = `trn_${id.slice(4)}`;
      const payload = { run: { id, turnId, ...what } };
      inbox().event(
        "message",
        message(messageId, { kind: "control", from: "system", source: "relay", payload }),
        messageId,
      );
    },
    /** Bodies of the calls of a verb. */
    bodies: (verb: string) =>
      far.requests
        .filter(({ path, method }) => method === "POST" && path.endsWith(`/${verb}`))
        .map(({ body }) => Object(body)),
  };
}
