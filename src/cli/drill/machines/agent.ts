/**
 * Agent CLIs of the drill, as programs: what both do, and one dialect each. A prompt holds `task q<number> <conduct>`: `say` and `work`
 * answer, `tool` starts a process that leaves its process group, `delegate` asks the other machine and waits, `background` begins work
 * beside. They keep sessions in their home, and write a line into `writers` there for each process that finds another one alive on its dialogue.
 */
const CONDUCT = String.raw`
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
const home = process.env.HOME;
const put = (line) => process.stdout.write(JSON.stringify(line) + "\n");
let session = "";
let relay = null;
const file = (kind, of = session) => join(home, of + "." + kind);
const isThere = (id) => existsSync(file("session", id));
const keep = (path, text) => {
  writeFileSync(path + ".new", text);
  renameSync(path + ".new", path);
};
const startOf = (pid) => {
  try {
    const stat = readFileSync("/proc/" + pid + "/stat", "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : fields[19];
  } catch {
    return null;
  }
};
function own() {
  if (existsSync(file("writer"))) {
    const [pid, start] = readFileSync(file("writer"), "utf8").split(" ");
    if (startOf(pid) === start) appendFileSync(join(home, "writers"), session + " has " + pid + " and " + process.pid + "\n");
  }
  keep(file("writer"), process.pid + " " + startOf(process.pid));
}
async function ask(method, path, body, key) {
  for (;;) {
    try {
      const headers = { authorization: "Bearer " + relay.token, "content-type": "application/json" };
      if (key) headers["idempotency-key"] = key;
      const response = await fetch(relay.url.replace(/\/mcp$/, "") + path, { method, headers, body: body && JSON.stringify(body) });
      const answer = await response.json();
      if (response.status < 300) return answer;
      if (response.status < 500) return { problem: JSON.stringify(answer) };
    } catch {}
    await Bun.sleep(50);
  }
}
async function delegate(number, to) {
  const made = await ask("POST", "/v1/delegations", { to, text: "task q" + number + " say", timeoutSeconds: 600 }, "q" + number);
  for (let now = made; ; now = await ask("GET", "/v1/delegations/" + made.id + "?waitSeconds=5")) {
    if (now.problem) return { error: "refused: " + now.problem };
    if (now.status !== "pending" && now.status !== "claimed") return { text: "answer q" + number + " (" + now.status + ")" };
  }
}
async function turn(text, say) {
  const told = /The background work "b(\d+)"/.exec(text);
  if (told) return { text: "told q" + told[1] };
  const [, number, conduct, to] = [...text.matchAll(/^\| task q(\d+) (\w+) ?(\S*)/gm)].at(-1) ?? [];
  if (number === undefined) return { text: "NO_REPLY" };
  say("q" + number);
  if (conduct === "tool") Bun.spawn(["setsid", "sleep", "600"], { stdio: ["ignore", "ignore", "ignore"] }).unref();
  await Bun.sleep(50 + (number * 37) % 300);
  if (conduct === "delegate") return delegate(number, to);
  const message = "answer q" + number;
  if (conduct !== "background") return { text: message };
  const backgroundAgents = [{ name: "b" + number, prompt: "task q" + number + " below" }];
  return { text: message, value: { action: "send", actionReason: "drill", message, backgroundAgents } };
}
`;

/** In words of docs/write-a-provider.md. */
const LINES = `
function open(line) {
  if (line.how !== "new" && !isThere(line.how === "fork" ? line.of : line.session)) return put({ type: "missing" });
  session = line.session;
  relay = line.mcp;
  own();
  keep(file("session"), "");
  put({ type: "ready" });
}
for await (const text of console) {
  const line = JSON.parse(text);
  if (line.type === "start") open(line);
  if (line.type !== "turn") continue;
  const { error, ...answer } = await turn(line.text, (words) => put({ type: "say", text: words }));
  put(error === undefined ? { type: "done", ...answer } : { type: "failed", error });
}
`;

/**
 * In the stream-json of Claude Code. It stores its turns: one that its transcript shows as cut off goes on by itself after a resume. The
 * transcript has the end of a turn before its reader has the result, and an input that it has seen is passed over, as with the real CLI.
 */
const CLAUDE = `
const args = process.argv.slice(2);
const value = (flag) => args.find((word) => word.startsWith("--" + flag + "="))?.slice(flag.length + 3);
const system = (subtype, more) => put({ type: "system", subtype, ...more });
if (args.includes("--version")) console.log("2.1.332 (Claude Code)");
else if (args[0] === "auth") console.log('{"email":"drill"}');
else if (args[0] === "agents") console.log("[]");
else await serve(value("resume"));
async function serve(resumed) {
  session = value("session-id") ?? resumed;
  if (resumed && !isThere(resumed)) {
    console.error("No conversation found with session ID: " + resumed);
    process.exit(1);
  }
  own();
  let last = resumed ? JSON.parse(readFileSync(file("session", resumed), "utf8")) : null;
  const store = (isOver) => {
    last = { ...last, isOver };
    keep(file("session"), JSON.stringify(last));
  };
  if (session !== resumed) store(true);
  async function play(uuid, text) {
    const receipt = (state) => put({ type: "command_lifecycle", command_uuid: uuid, state });
    receipt("queued");
    if (last.uuid === uuid && last.isOver) return;
    last = { uuid, text };
    store(false);
    system("session_state_changed", { state: "running" });
    receipt("started");
    system("init", { capabilities: ["msg_lifecycle_v1", "interrupt_cancel_queued_v1"], user_message_uuids: [uuid] });
    const say = (words) => put({ type: "assistant", message: { content: [{ type: "text", text: words }] } });
    const { text: said, value, error } = await turn(text, say);
    store(true);
    const end = { subtype: "success", is_error: error !== undefined, result: error ?? said, structured_output: value };
    put({ type: "result", num_turns: 1, duration_ms: 1, total_cost_usd: 0, queued_turn_count: 0, user_message_uuids: [uuid], ...end });
    receipt("completed");
    system("session_state_changed", { state: "idle" });
  }
  for await (const text of console) {
    const { type, uuid, message, request_id, request } = JSON.parse(text);
    if (type === "user") await play(uuid, message.content);
    if (type !== "control_request") continue;
    const server = request.mcpServers?.signalbox;
    if (server) relay = { url: server.url, token: server.headers.Authorization.replace("Bearer ", "") };
    put({ type: "control_response", response: { subtype: "success", request_id, response: {} } });
    const isCutOff = last.uuid !== undefined && !last.isOver;
    if (request.subtype === "initialize" && process.env.CLAUDE_CODE_RESUME_INTERRUPTED_TURN && isCutOff) await play(last.uuid, last.text);
  }
}
`;

/** Program of an agent CLI, by the kind of its provider. */
export const AGENT_PROGRAMS = { claude: CONDUCT + CLAUDE, command: CONDUCT + LINES } as const;
