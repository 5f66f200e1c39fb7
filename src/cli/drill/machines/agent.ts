/**
 * The agent CLI of the drill, in words of docs/write-a-provider.md. A prompt holds `task q<number> <conduct>`: `say` answers, `tool` starts a
 * process that leaves its process group, `delegate` asks the other machine and waits, `background` begins work beside. It keeps sessions in its
 * home, and writes a line into `writers` there for each process that finds another one alive on its dialogue.
 */
export const AGENT_PROGRAM = String.raw`
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
const home = process.env.HOME;
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const startOf = (pid) => {
  try {
    const stat = readFileSync("/proc/" + pid + "/stat", "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : fields[19];
  } catch {
    return null;
  }
};
let session = "";
let mcp = null;
const writer = () => join(home, session + ".writer");
function open(line) {
  const isThere = (id) => existsSync(join(home, id + ".session"));
  if (line.how !== "new" && !isThere(line.how === "fork" ? line.of : line.session)) return say({ type: "missing" });
  session = line.session;
  mcp = line.mcp;
  if (existsSync(writer())) {
    const [pid, start] = readFileSync(writer(), "utf8").split(" ");
    if (startOf(pid) === start) appendFileSync(join(home, "writers"), session + " has " + pid + " and " + process.pid + "\n");
  }
  writeFileSync(writer(), process.pid + " " + startOf(process.pid));
  writeFileSync(join(home, session + ".session"), "");
  say({ type: "ready" });
}
async function ask(method, path, body, key) {
  for (;;) {
    try {
      const headers = { authorization: "Bearer " + mcp.token, "content-type": "application/json" };
      if (key) headers["idempotency-key"] = key;
      const response = await fetch(mcp.url.replace(/\/mcp$/, "") + path, { method, headers, body: body && JSON.stringify(body) });
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
    if (now.problem) return say({ type: "failed", error: "refused: " + now.problem });
    if (now.status !== "pending" && now.status !== "claimed") return say({ type: "done", text: "answer q" + number + " (" + now.status + ")" });
  }
}
async function turn(text) {
  const told = /The background work "b(\d+)"/.exec(text);
  if (told) return say({ type: "done", text: "told q" + told[1] });
  const [, number, conduct, to] = [...text.matchAll(/^\| task q(\d+) (\w+) ?(\S*)/gm)].at(-1) ?? [];
  if (number === undefined) return say({ type: "done", text: "NO_REPLY" });
  say({ type: "say", text: "q" + number });
  if (conduct === "tool") Bun.spawn(["setsid", "sleep", "600"], { stdio: ["ignore", "ignore", "ignore"] }).unref();
  await Bun.sleep(50 + (number * 37) % 300);
  if (conduct === "delegate") return delegate(number, to);
  const answer = "answer q" + number;
  if (conduct !== "background") return say({ type: "done", text: answer });
  const backgroundAgents = [{ name: "b" + number, prompt: "task q" + number + " below" }];
  say({ type: "done", text: answer, value: { action: "send", actionReason: "drill", message: answer, backgroundAgents } });
}
for await (const text of console) {
  const line = JSON.parse(text);
  if (line.type === "start") open(line);
  if (line.type === "turn") await turn(line.text);
}
`;
