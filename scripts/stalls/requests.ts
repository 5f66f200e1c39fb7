import type { Route } from "../../src/identity/auth/route.ts";
import { DEFAULT_BODY_LIMIT } from "../../src/kernel/http/bytes.ts";
import { ALLOWED, type Body, json, members, PARSED, refusedBodies } from "./bodies.ts";
import type { Watch } from "./hold.ts";
import type { Held } from "./sockets.ts";
import type { World } from "./world.ts";

interface Case {
  what: string;
  method: string;
  path: string;
  body?: Body;
  token: string;
  /** Of an MCP call. */
  tool?: string | undefined;
}

/** Each is asked so often, and the least counts: what else the machine did is not the relay's. */
const TIMES = 3;
const ENDLESS = new Set(["streamInbox", "watchMessages", "openSocket"]);
const IDS: [RegExp, string][] = [
  [/^\/v1\/agents\/\{id\}/, "ann"],
  [/^\/v1\/(messages|threads)\/\{id\}/, "1"],
];

function pathOf(route: Route): string {
  const id = IDS.find(([pattern]) => pattern.test(route.path))?.[1] ?? "none";
  return route.path.replaceAll(/\{\w+\}/g, id);
}

function casesOf(route: Route, { operator, ann, wanderer }: World["tokens"]): Case[] {
  const { method, operationId } = route;
  const common = { method, path: pathOf(route) };
  if (method === "GET") return readsOf(route, common, [operator, ann, wanderer]);
  if (!route.body && !route.raw) return [];
  const example = "example" in route ? route.example : undefined;
  const allowed = ALLOWED[operationId]?.() ?? (example === undefined ? [] : [json("its example", example)]);
  const limit = route.bodyLimit ?? DEFAULT_BODY_LIMIT;
  const refused = route.body ? refusedBodies(limit, example, route.many?.as) : [];
  const token = operationId === "addTraces" ? ann : operator;
  return [...allowed, ...refused].map((body) => ({ ...common, what: `${operationId}: ${body.what}`, body, token }));
}

const QUERIES: Record<string, string[]> = {
  listMessages: ["q=a.a.a.a.a.a.a.a.a", "q=a*", `q=${encodeURIComponent("信".repeat(160))}`, "q=a+b"],
  readHistory: ["level=3", "q=a+b"],
  readInbox: ["after=0", "after=0&include=parent"],
};

function readsOf(route: Route, common: { method: string; path: string }, tokens: string[]): Case[] {
  if (ENDLESS.has(route.operationId)) return [];
  const shape = (route.query as { shape?: Record<string, unknown> } | undefined)?.shape ?? {};
  const limit = "limit" in shape ? "limit=500" : "";
  const [, ann, wanderer] = tokens;
  const own = route.operationId === "readInbox" || route.operationId === "heldClaims" ? [ann, wanderer] : tokens;
  return ["", ...(QUERIES[route.operationId] ?? [])].flatMap((query) =>
    own.map((token) => {
      const path = token === wanderer ? common.path.replace("/ann", "/wanderer") : common.path;
      const asked = [limit, query].filter(Boolean).join("&");
      const who = token === wanderer ? " (30,000 groups)" : token === ann ? " (an agent)" : "";
      return {
        ...common,
        path: asked ? `${path}?${asked}` : path,
        token: token ?? "",
        what: `${route.operationId}${who}${query && `: ${decodeURIComponent(query).slice(0, 40)}`}`,
      };
    }),
  );
}

/** Deliveries of mapped sources: parsed whole, by their values and bytes no more, and as large as they are read. */
function deliveries(token: string): Case[] {
  const post = (source: string, what: string, text: string): Case => ({
    ...{ method: "POST", path: `/v1/integrations/${source}/events`, token, what: `${source}: ${what}` },
    body: json(what, text),
  });
  const alert = (n: number) =>
    JSON.stringify({ status: "firing", labels: { alertname: `A${n}` }, fingerprint: `f${n}` });
  const alerts = (count: number, each: string) =>
    `{"alerts":[${Array.from({ length: count }, (_, n) => `${alert(n).slice(0, -1)},${each}}`).join(",")}]}`;
  return [
    post("alertmanager", "a thousand alerts of 1 KiB", alerts(1000, `"annotations":{"a":"${"x".repeat(900)}"}`)),
    post("alertmanager", "4 MiB, too many values", alerts(3000, `"values":{${members(1000)}}`)),
    post("alertmanager", "25 MiB of alerts", alerts(20_000, `"annotations":{"a":"${"x".repeat(1100)}"}`)),
    post("alertmanager", "25 MiB of empty alerts", `{"alerts":[${"{},".repeat(8_000_000)}{}]}`),
    post("github", "25 MiB of unknown members", `{${members(25_000_000)}}`),
    post("github", "25 MiB of brackets", "[".repeat(25_000_000)),
  ];
}

/** The protocols whose routes are not in the document. */
function others({ ann, operator }: World["tokens"]): Case[] {
  const mcp = (name: string, args: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":${args},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"stalls","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`;
  const post = (path: string, what: string, value: string): Case => ({
    ...{
      method: "POST",
      path,
      token: ann,
      what,
      body: json(what, value),
      tool: /"name":"(\w+)","arguments"/.exec(value)?.[1],
    },
  });
  return [
    ...deliveries(operator),
    post("/mcp", "mcp: unknown arguments", mcp("send", `{${members(1_000_000)}}`)),
    post("/mcp", "mcp: unknown arguments, as many as are parsed", mcp("send", `{${members(PARSED / 11)}}`)),
    post("/mcp", "mcp: send of 200 KB", mcp("send", JSON.stringify({ to: "ben", text: "x".repeat(200_000) }))),
    post("/mcp", "mcp: inbox", mcp("inbox", "{}")),
    post("/mcp", "mcp: history", mcp("history", "{}")),
    post("/mcp", "mcp: brief", mcp("brief", "{}")),
    post(
      "/a2a/ben",
      "a2a: unknown members",
      `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{${members(PARSED)}}}`,
    ),
    post(
      "/a2a/ben",
      "a2a: nested data",
      `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"data":${"[".repeat(9000)}${"]".repeat(9000)}}]}}}`,
    ),
    post(
      "/a2a/ben",
      "a2a: parts",
      `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":{"messageId":"m","role":"ROLE_USER","parts":[${'{"text":"x"},'.repeat(20_000)}{"text":"x"}]}}}`,
    ),
  ];
}

async function measure({ relay }: World, watch: Watch, { what, method, path, body, token, tool }: Case): Promise<Held> {
  let status = 0;
  let milliseconds = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TIMES; i++) {
    const headers = {
      ...{ authorization: `Bearer ${token}`, "content-type": body?.type ?? "", host: "localhost" },
      ...{
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        ...(tool ? { "mcp-name": tool } : {}),
      },
    };
    const init = { method, headers, ...(body ? { body: body.bytes as Uint8Array<ArrayBuffer> } : {}) };
    Bun.gc(true);
    // Its making copies the body (10 ms for 25 MiB), which is the client's part.
    const request = new Request(`http://localhost${path}`, init);
    const held = await watch.during(async () => {
      const response = await relay.app.handle(request);
      status = response.status;
      await response.arrayBuffer();
    });
    milliseconds = Math.min(milliseconds, held);
  }
  return { what, status: String(status), milliseconds };
}

/** Every route with its worst bodies, one after the other. */
export async function measureRequests(world: World, watch: Watch, only: string | undefined): Promise<Held[]> {
  const routes = await world.relay.routes();
  const cases = [...routes.flatMap((route) => casesOf(route, world.tokens)), ...others(world.tokens)];
  const held: Held[] = [];
  for (const one of cases) {
    if (only !== undefined && !one.what.includes(only)) continue;
    held.push(await measure(world, watch, one));
    await world.relay.settle();
  }
  return held;
}
