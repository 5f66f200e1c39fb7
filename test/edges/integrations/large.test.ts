import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { startWithSources } from "../../support/integration.ts";
import { listen } from "../../support/listen.ts";
import * as payloads from "../../support/payloads.ts";

const MIB = 1024 * 1024;
const LARGEST = 25 * MIB;
/** Time after which the operator is told again. */
const HOUR = 3_600_000;

/** A source `src` with a mapping, on a relay that listens. */
async function world(mapping: string, more: Record<string, unknown> = {}) {
  const relay = await startWithSources();
  const secret = await relay.source("src", { mapping, ...more });
  const url = listen(relay);
  const told = async () => (await relay.ask("GET", "/v1/agents/user/inbox?kind=system")).body.items;
  /** Over the wire: whole, or in chunks whose sum nobody says beforehand. */
  async function send(body: string | Uint8Array, headers: Record<string, string>, chunk = 0, to = "src") {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    const response = await fetch(`${url}/v1/integrations/${to}/events`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: chunk === 0 ? new Uint8Array(bytes) : chunked(bytes, chunk),
    });
    return { status: response.status, body: await response.json() };
  }
  return { ...relay, secret, told, send, byToken: { authorization: `Bearer ${relay.operator.token}` } };
}

function chunked(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

const alerts = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, n) => ({
    status: "firing",
    labels: { alertname: `Alert${n}` },
    ...{ fingerprint: `f${n}`, startsAt: "2026-03-01T12:00:00Z", ...more },
  }));
const x = (count: number) => "x".repeat(count);
const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n]));

describe("a list that is too large to be parsed", () => {
  const lists: [name: string, mapping: string, more: Record<string, unknown>, wrap: (items: object[]) => object][] = [
    ["alertmanager", "alertmanager", {}, (list) => ({ receiver: "r", alerts: list, truncatedAlerts: 4 })],
    ["grafana", "grafana", {}, (list) => ({ orgId: 1, alerts: list, truncatedAlerts: 4 })],
    [
      "items of paths",
      "paths",
      { paths: { items: "$.groups[1].list", title: "labels.alertname", dedupeKey: "fingerprint" } },
      (list) => ({ groups: [{ list: [] }, { list }] }),
    ],
    [
      "a list of paths",
      "paths",
      { paths: { title: "{{labels.alertname}}", dedupeKey: "fingerprint" } },
      (list) => list,
    ],
  ];
  for (const [name, mapping, more, wrap] of lists) {
    test(`a list that is too large to be parsed by its bytes: leading events are taken, the rest is counted, the operator is told: ${name}`, async () => {
      const { post, told } = await world(mapping, more);
      const list = alerts(3300, { annotations: { description: x(1500) } });
      const { status, body } = await post("src", wrap(list));
      expect(status).toBe(201);
      expect(body.tasks.length).toBeGreaterThan(600);
      expect(body.tasks.length + body.skipped).toBe(3300);
      expect(body.tasks.at(-1).task.title).toBe(`Alert${body.tasks.length - 1}`);
      const notices = await told();
      expect(notices[0]).toMatchObject({
        subject: `src: ${body.skipped} events were left out`,
        payload: { source: "src", taken: body.tasks.length, skipped: body.skipped },
      });
      expect(notices[0].body).toContain(`held 3300 events`);
      expect(notices[0].body).toContain(`\nAlert${body.tasks.length}`);
      expect(notices[0].body).toContain(`and ${body.skipped - 20} more`);
      // Said behind the list.
      const truncated = notices.slice(1).map(({ payload }: { payload: object }) => payload);
      expect(truncated).toEqual(mapping === "paths" ? [] : [{ source: "src", truncated: 4 }]);
    });

    test(`a list that is too large to be parsed by its values: ${name}`, async () => {
      const { post, told } = await world(mapping, more);
      const { status, body } = await post("src", wrap(alerts(2000, { values: members(40) })));
      const taken = body.tasks.length;
      expect([status, taken + body.skipped, body.tasks.at(-1).task.title]).toEqual([201, 2000, `Alert${taken - 1}`]);
      expect(taken).toBeGreaterThan(500);
      expect((await told())[0].payload).toMatchObject({ taken, skipped: body.skipped });
    });
  }

  test("a list that is too large to be parsed has its first event in any case, with what is known of it", async () => {
    const { post, told } = await world("alertmanager");
    const huge = { annotations: { summary: "Burning", description: x(5 * MIB) }, junk: members(60_000) };
    const [first, second] = [...alerts(1, huge), ...alerts(2).slice(1)];
    const { body } = await post("src", { alerts: [{ ...first, generatorURL: "https://p.example/1" }, second] });
    expect([body.tasks.length, body.skipped]).toEqual([2, 0]);
    expect(body.task).toMatchObject({ title: "Burning", dedupeKey: "f0", externalUrl: "https://p.example/1" });
    expect(body.task.body.startsWith("xxx")).toBe(true);
    expect(await told()).toMatchObject([{ subject: "src: a delivery was too large to be read whole" }]);
    const late = await post("src", { junk: [members(60_000), x(5 * MIB)], alerts: [second] });
    expect(late.body).toMatchObject({ skipped: 0, task: { title: "Alert1", dedupeKey: "f1", count: 2 } });
  });

  test("a list that is too large to be parsed has its events as they came, numbers beyond 2^53 and all", async () => {
    const { post } = await world("paths", { paths: { title: "name", dedupeKey: "id" } });
    const item = `{"name": "A", "id": 9007199254740993, "more": {"n": [1, "\\u00e9"]}}`;
    const { body } = await post("src", `[${item}, {"name": "B", "junk": "${x(5 * MIB)}"}]`);
    expect(body).toMatchObject({ skipped: 1, task: { dedupeKey: "9007199254740993" } });
    expect(body.message.payload.payload.event).toEqual(JSON.parse(item.replace("9007199254740993", '"$&"')));
  });

  test("a list that is too large to be parsed says the same when it comes again under its key; another size is another delivery", async () => {
    const { post, told } = await world("alertmanager");
    const body = { alerts: alerts(3000, { annotations: { description: x(1500) } }) };
    const [first, again] = [
      await post("src", body, { "idempotency-key": "k" }),
      await post("src", body, { "idempotency-key": "k" }),
    ];
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect([again.body.skipped, again.body.tasks.length]).toEqual([first.body.skipped, first.body.tasks.length]);
    expect(await told()).toHaveLength(1);
    const other = await post("src", { ...body, junk: 1 }, { "idempotency-key": "k" });
    expect([other.status, other.body.code]).toEqual([422, "idempotency-mismatch"]);
  });
});

describe("a single event that is too large to be parsed", () => {
  const { issue, repository } = payloads.githubIssue;
  const github = { "x-github-event": "issues" };

  test.each([
    ["a text of it", { ...payloads.githubIssue, issue: { ...issue, body: x(6 * MIB) } }, 256 * 1024],
    ["unknown bytes before it", { junk: x(6 * MIB), ...payloads.githubIssue }, undefined],
    ["unknown values behind it", { ...payloads.githubIssue, junk: [members(30_000), members(30_000)] }, undefined],
    ["unknown members beside it", { ...members(70_000), ...payloads.githubIssue }, undefined],
    ["unknown members inside of it", { ...payloads.githubIssue, issue: { ...members(70_000), ...issue } }, undefined],
  ])(
    "a single event that is too large to be parsed becomes the same task by its known fields, and the operator is told: %s",
    async (_, body, cutTo) => {
      const { post, told } = await world("github");
      const { task } = (await post("src", payloads.githubIssue, github)).body;
      const again = await post("src", { ...body, action: "edited" }, github);
      expect(again.body.task).toMatchObject({
        id: task.id,
        title: task.title,
        count: 2,
        externalUrl: task.externalUrl,
      });
      expect(again.body.task.body).toBe(cutTo === undefined ? task.body : x(cutTo));
      const notices = await told();
      expect(notices).toMatchObject([{ subject: "src: a delivery was too large to be read whole" }]);
      const { bytes, leftOutBytes } = notices[0].payload;
      expect(bytes).toBe(Buffer.byteLength(JSON.stringify({ ...body, action: "edited" })));
      expect(leftOutBytes).toBeLessThan(bytes);
      expect(notices[0].body).toContain(String(leftOutBytes));
    },
  );

  test("a single event that is too large to be parsed of up to 4 MiB is read whole: nothing is left out, and nobody is told", async () => {
    const { post, told } = await world("github");
    const { status, body } = await post("src", { ...payloads.githubIssue, junk: [x(MIB), x(MIB), x(MIB)] }, github);
    expect([status, body.task.title]).toEqual([201, "octo-org/octo-repo#7: Spelling error in the README file"]);
    expect(await told()).toEqual([]);
  });

  test("a single event that is too large to be parsed that asks for no work tells nobody", async () => {
    const { post, told } = await world("github");
    const push = {
      ref: "refs/heads/main",
      repository,
      commits: Array.from({ length: 3000 }, () => ({ added: x(2000) })),
    };
    expect((await post("src", push, { "x-github-event": "push" })).body).toMatchObject({ task: null, skipped: 0 });
    expect(await told()).toEqual([]);
  });

  test("a single event of Sentry and by paths that is too large to be parsed becomes its task: templates, places of a list, texts that end in the middle of a character", async () => {
    const sentry = await world("sentry", { secret: "made-by-sentry-itself" });
    const issue = { id: "1", title: "Crash", level: "fatal", metadata: { value: "😀".repeat(2 * MIB) } };
    const hook = { action: "created", data: { issue, junk: members(1000) }, junk: x(MIB) };
    const crash = await sentry.post("src", hook, { "sentry-hook-resource": "issue" });
    expect(crash.body.task).toMatchObject({ title: "Crash", severity: "critical", dedupeKey: "issue:1" });
    expect(crash.body.task.body === "😀".repeat(64 * 1024)).toBe(true);

    const paths = { title: "{{job.name}} on {{$.hosts[2].name}}", body: "['the log']", dedupeKey: "job.id" };
    const ci = await world("paths", { paths });
    const escaped = "\\ud83d\\ude00".repeat(400_000);
    const hosts = `[1, {"name": "b"}, {"name": "c", "junk": "${x(MIB)}"}]`;
    const text = `{"the log": "${escaped}", "job": {"id": 17, "name": "Nightly"}, "hosts": ${hosts}}`;
    const made = await ci.post("src", text);
    expect(made.body.task).toMatchObject({ title: "Nightly on c", dedupeKey: "17" });
    expect(made.body.task.body.replaceAll("😀", "")).toBe("");
    expect(made.body.task.body.length).toBeGreaterThan(80_000);
    expect(await ci.told()).toHaveLength(1);
  });
});

describe("names in a delivery too large to be parsed", () => {
  test("names with escapes are the same names, wherever a chunk ends", async () => {
    const paths = { title: "$['größe'].name", body: "text", dedupeKey: "id" };
    const { send, byToken } = await world("paths", { paths });
    const text = `{"junk":"${x(5 * MIB)}","gr\\u00f6\\u00dfe":{"n\\u0061me":"Nightly"},"\\u0074ext":"long","id":"ID"}`;
    for (const chunk of [0, 100_000, 65_537, 65_536, 65_535]) {
      const made = await send(text.replace("ID", `c${chunk}`), byToken, chunk);
      expect(made.body.task).toMatchObject({ title: "Nightly", body: "long" });
    }
    const split = [...Array(40).keys()].map((more) =>
      text.replace("junk", "j".repeat(5 + more)).replace("ID", `s${more}`),
    );
    for (const each of split)
      expect((await send(each, byToken, 5 * MIB + 50)).body.task).toMatchObject({ title: "Nightly", body: "long" });
  });

  test("known names that come again and again are read no slower than unknown ones", async () => {
    const { post } = await world("sentry", { secret: "made-by-sentry-itself" });
    const texts = (sizes: Record<string, number>) =>
      Object.entries(sizes).map(([name, size]) => `"${name}":"${x(size)}"`);
    const long = { title: 5e5, culprit: 5e5, level: 5e5, permalink: 5e5, web_url: 5e5, status: 5e5, platform: 499e3 };
    const event = { title: 2e5, culprit: 1e5, level: 1e5, message: 5e4, web_url: 3e4, platform: 1e4, release: 4096 };
    // These leave no room: each is half of the one before it.
    const [project, metadata] = [
      { name: 2048, slug: 1024 },
      { type: 512, value: 256, filename: 128 },
    ];
    const issue = [
      ...['"id":"1"', ...texts(long), ...texts({ shortId: 4096 }), `"project":{${texts(project)}}`],
      ...[`"metadata":{${texts(metadata)}}`, ...texts({ firstSeen: 64, substatus: 32 })],
    ];
    const full = `"event":{${texts(event)}},"issue":{${issue}`;
    async function cost(name: string): Promise<number> {
      const before = process.cpuUsage();
      const many = `"${name}":"${x(60)}",`.repeat((12 * MIB) / 72);
      const sent = `{"action":"created","data":{${full},${many}"z":1}}}`;
      expect((await post("src", sent, { "sentry-hook-resource": "issue" })).status).toBeOneOf([200, 201]);
      return process.cpuUsage(before).user;
    }
    await cost("unknowns");
    expect(await cost("lastSeen")).toBeLessThan(4 * (await cost("unknowns")));
  });
});

describe("a signature over a delivery too large to be parsed", () => {
  const body = JSON.stringify({ junk: x(7 * MIB), ...payloads.githubIssue });
  const sign = (secret: string, text = body) => ({
    "x-github-event": "issues",
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(text).digest("hex")}`,
  });

  test("a signature over a delivery too large to be parsed is checked over all of its bytes, whole or in chunks", async () => {
    const { send, secret, told, clock } = await world("github");
    for (const chunk of [0, 10_000, MIB]) {
      clock.advance(HOUR);
      expect((await send(body, sign(secret), chunk)).body.task.title).toContain("Spelling error");
      for (const wrong of [sign("another-secret-than-theirs"), sign(secret, `${body.slice(0, -1)} }`)])
        expect((await send(body, wrong, chunk)).status).toBe(401);
    }
    expect(await told()).toHaveLength(3);
    const late = await send(`${body} `, sign(secret), 50_000);
    expect(late.status).toBe(401);
  });

  test("a signature of Standard Webhooks, and a plain token, over a delivery too large to be parsed are checked, too", async () => {
    const world1 = await world("grafana", { verify: "standard" });
    const list = JSON.stringify({ alerts: alerts(4000, { annotations: { description: x(1500) } }) });
    const at = new Date(world1.clock.now());
    const headers = {
      ...{ "webhook-id": "msg_1", "webhook-timestamp": String(Math.floor(at.getTime() / 1000)) },
      "webhook-signature": new Webhook(world1.secret).sign("msg_1", at, list),
    };
    expect((await world1.send(list, headers, 100_000)).status).toBe(201);
    expect((await world1.send(list.replace("Alert0", "Alert1"), headers, 100_000)).status).toBe(401);
    const world2 = await world("alertmanager");
    expect((await world2.send(list, { authorization: `Bearer ${world2.secret}` }, 100_000)).status).toBe(201);
    expect((await world2.send(list, { authorization: "Bearer nobody-knows-this" }, 100_000)).status).toBe(401);
  });

  test("an unknown source looks like a wrong signature; a source in the relay's own shape is refused when it is known", async () => {
    const { send, source, told } = await world("github");
    const wrong = { ...sign("x"), "x-request-id": "one" };
    for (const each of [body, `]${body}`, body.slice(0, -9)])
      expect(await send(each, wrong, MIB, "nothing")).toEqual(await send(each, wrong, MIB));
    const secret = await source("own", { verify: "github" });
    expect((await send(body, sign("x"), 0, "own")).status).toBe(401);
    expect((await send(body, sign(secret), 0, "own")).body).toMatchObject({ status: 413, code: "too-large" });
    expect(await told()).toMatchObject([{ subject: "own: a delivery was refused" }]);
  });
});

describe("a delivery that is no delivery", () => {
  test("a delivery of more than 25 MiB is refused, said beforehand or found on the way, and its source is told of by its token", async () => {
    const { send, byToken, told, secret, worker, clock } = await world("alertmanager");
    const body = JSON.stringify({ alerts: alerts(1), junk: x(LARGEST) });
    for (const chunk of [0, 4 * MIB]) {
      expect((await send(body, byToken, chunk)).body).toMatchObject({ status: 413, code: "too-large" });
      clock.advance(HOUR);
    }
    expect((await send(body, { authorization: `Bearer ${secret}` })).status).toBe(413);
    for (const to of ["src", "nothing"])
      expect((await send(body, { authorization: "Bearer of-somebody-else" }, 0, to)).status).toBe(401);
    // A signature needs the body, so its size is refused first.
    const signed = { "x-hub-signature-256": "sha256=0" };
    for (const to of ["src", "nothing"]) expect((await send(body, signed, 0, to)).status).toBe(413);
    expect((await send(body, { authorization: `Bearer ${worker.token}` })).status).toBe(403);
    expect(await told()).toHaveLength(3);
    const most = JSON.stringify({ alerts: alerts(1), junk: "" });
    expect((await send(most.replace('""', `"${x(LARGEST - most.length)}"`), byToken)).status).toBe(201);
  });

  test("a delivery that is large and broken is 400, and makes nothing", async () => {
    const { send, byToken, ask } = await world("alertmanager");
    const [first] = alerts(1);
    const good = `{"alerts": [${JSON.stringify(first)}], "junk": "${x(5 * MIB)}"}`;
    const broken = {
      "cut off in a text": good.slice(0, -10),
      "cut off at the end": good.slice(0, -1),
      "with something behind it": `${good}]`,
      "without a colon": good.replace('"junk": ', '"junk" '),
      "without a comma": good.replace("], ", "] "),
      "nothing but brackets": "[".repeat(5 * MIB),
      "brackets that close nothing": "]".repeat(5 * MIB),
      "not UTF-8": Buffer.concat([
        Buffer.from('{"alerts": [{"status": "'),
        Buffer.from([0xff]),
        Buffer.from(`"}], "junk": "${x(5 * MIB)}"}`),
      ]),
    };
    for (const [name, body] of Object.entries(broken))
      expect([name, (await send(body, byToken, 300_000)).body]).toMatchObject([
        name,
        { status: 400, code: "not-json" },
      ]);
    for (const other of [`[${good}]`, x(5 * MIB)]) expect((await send(other, byToken)).status).toBe(422);
    expect((await send(good, { ...byToken, "content-type": "text/plain" })).status).toBe(415);
    expect((await ask("GET", "/v1/tasks")).body.items).toEqual([]);
    expect((await send(good, byToken)).status).toBe(201);
  });

  test("a large delivery lets others have their turn while it is read", async () => {
    const { post } = await world("github");
    let turns = 0;
    let isRead = false;
    const count = () => {
      turns++;
      if (!isRead) setImmediate(count);
    };
    setImmediate(count);
    const text = JSON.stringify(payloads.githubIssue);
    const body = `{${`"k0":1,`.repeat((12 * MIB) / 7)}${text.slice(1)}`;
    expect((await post("src", body, { "x-github-event": "issues" })).status).toBe(201);
    isRead = true;
    // A turn of others at the latest after 5 ms of reading, which takes more than 100.
    expect(turns).toBeGreaterThan(10);
  });
});
