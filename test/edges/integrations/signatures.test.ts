import { describe, expect, test } from "bun:test";
import { hmac, startWithSources } from "../../support/integration.ts";

const event = { title: "Disk full", dedupeKey: "disk-1" };
const MINUTE = 60_000;

describe("who may post events", () => {
  test("G10: events are posted by a token of their source, or an operator; no other token", async () => {
    const { source, ask, worker, post } = await startWithSources();
    await source("ci");
    await source("other");
    const { token } = (await ask("POST", "/v1/tokens", { role: "integration", source: "ci" })).body;
    const by = (name: string, who: { token: string }) => ask("POST", `/v1/integrations/${name}/events`, event, who);
    expect((await by("ci", { token })).status).toBe(201);
    expect((await by("other", { token })).status).toBe(403);
    expect((await by("ci", worker)).status).toBe(403);
    expect((await post("other", event)).status).toBe(201);
    // It writes as system, and reads nothing.
    for (const path of ["tasks", "messages", "agents", "integrations", "integrations/ci", "agents/worker/inbox"])
      expect((await ask("GET", `/v1/${path}`, undefined, { token })).status).toBe(403);
    for (const path of ["messages", "tasks", "integrations/ci"])
      expect(
        (await ask(path.includes("/") ? "PUT" : "POST", `/v1/${path}`, { to: "worker", body: "x" }, { token })).status,
      ).toBeOneOf([403, 422]);
  });

  const unproven: Record<string, (time: string) => Record<string, string>> = {
    "nothing at all": () => ({}),
    "an unknown token": () => ({ authorization: "Bearer sbx_unknown" }),
    "an unknown token for GitLab": () => ({ "x-gitlab-token": "no" }),
    "a wrong signature of Standard Webhooks": (time) => ({
      ...{ "webhook-id": "msg_1", "webhook-timestamp": time, "webhook-signature": "v1,bm90IG91cnM=" },
    }),
    "an old signature of Standard Webhooks": () => ({
      ...{ "webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,bm90IG91cnM=" },
    }),
    "half a signature of Standard Webhooks": () => ({ "webhook-signature": "v1,bm90IG91cnM=" }),
    "a wrong signature of GitHub": () => ({ "x-hub-signature-256": `sha256=${hmac("x", event)}` }),
    "a wrong signature of Sentry": () => ({ "sentry-hook-signature": hmac("x", event) }),
  };
  test.each(Object.entries(unproven))(
    "G10: events with %s are refused alike for each form of proof and for a source that is not there",
    async (_, headersAt) => {
      const { source, deliver, clock, ask } = await startWithSources();
      for (const verify of ["standard", "github", "sentry", "token"]) await source(verify, { verify });
      const headers = { "x-request-id": "one", ...headersAt(String(Math.floor(clock.now() / 1000))) };
      const unknown = await deliver("nobody", event, headers);
      expect(unknown.body).toMatchObject({ status: 401, code: "unauthorized" });
      for (const verify of ["standard", "github", "sentry", "token"]) {
        const known = await deliver(verify, event, headers);
        expect([verify, known.status, known.body]).toEqual([verify, 401, unknown.body]);
        expect([...known.headers]).toEqual([...unknown.headers]);
      }
      // An operator learns which it is.
      expect((await ask("POST", "/v1/integrations/nobody/events", event)).body).toMatchObject({ code: "not-found" });
    },
  );
});

describe("Standard Webhooks", () => {
  test("a signed event of Standard Webhooks is taken; one whose body, id, time or secret was changed is not", async () => {
    const { source, signed, deliver, clock } = await startWithSources();
    const secret = await source("ci");
    const headers = signed(secret, event, "msg_1");
    const refusals = [
      deliver("ci", { ...event, title: "Disk empty" }, headers),
      deliver("ci", event, { ...headers, "webhook-id": "msg_2" }),
      deliver("ci", event, { ...headers, "webhook-timestamp": String(Math.floor(clock.now() / 1000) + 1) }),
      deliver("ci", event, signed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", event, "msg_1")),
      deliver("ci", event, {
        ...headers,
        "webhook-signature": headers["webhook-signature"]?.replace("v1,", "v2,") ?? "",
      }),
      deliver("ci", event, { ...headers, "webhook-timestamp": "soon" }),
    ];
    for (const refused of await Promise.all(refusals)) expect(refused.status).toBe(401);
    expect((await deliver("ci", event, headers)).status).toBe(201);
  });

  test("one of several signatures of Standard Webhooks is enough", async () => {
    const { source, signed, deliver } = await startWithSources();
    const secret = await source("ci");
    const headers = signed(secret, event, "msg_1");
    const several = `v1a,bm90IG91cnM= v1,bm90IG91cnM= ${headers["webhook-signature"]}`;
    expect((await deliver("ci", event, { ...headers, "webhook-signature": several })).status).toBe(201);
  });

  test("a signature of Standard Webhooks is taken within five minutes of its time, before or after, and not beyond", async () => {
    const { source, signed, deliver, clock } = await startWithSources();
    const secret = await source("ci");
    for (const [minutes, status] of [
      [-6, 401],
      [-4, 201],
      [4, 200],
      [6, 401],
    ] as const) {
      const headers = signed(secret, event, `msg_${minutes}`, clock.now() + minutes * MINUTE);
      expect((await deliver("ci", event, headers)).status).toBe(status);
    }
  });

  test("G5: the same webhook-id is one event; with other content it is refused", async () => {
    const { source, signed, deliver, task, clock } = await startWithSources();
    const secret = await source("ci");
    const first = await deliver("ci", event, signed(secret, event, "msg_1"));
    clock.advance(MINUTE);
    // A retry is signed anew.
    const again = await deliver("ci", event, signed(secret, event, "msg_1"));
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([200, "true"]);
    expect(again.body).toEqual(first.body);
    expect((await task(first.body.task.id)).count).toBe(1);
    const other = { ...event, title: "Else" };
    expect((await deliver("ci", other, signed(secret, other, "msg_1"))).body.code).toBe("idempotency-mismatch");
  });

  test("a secret that the source made is good too", async () => {
    const { source, signed, deliver } = await startWithSources();
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    expect(await source("ci", { secret })).toBeUndefined();
    expect((await deliver("ci", event, signed(secret, event, "msg_1"))).status).toBe(201);
    expect(await source("raw", { secret: "sixteen-characters" })).toBeUndefined();
    expect((await deliver("raw", event, signed("sixteen-characters", event, "msg_1"))).status).toBe(201);
  });
});

describe("other signatures", () => {
  test("GitHub's signature is taken, and a delivery that comes again is one event", async () => {
    const { source, deliver, task } = await startWithSources();
    const secret = await source("gh", { verify: "github" });
    const headers = { "x-hub-signature-256": `sha256=${hmac(secret, event)}`, "x-github-delivery": "72d3162e" };
    expect(
      (await deliver("gh", event, { ...headers, "x-hub-signature-256": `sha256=${hmac("x", event)}` })).status,
    ).toBe(401);
    expect((await deliver("gh", event, { "x-hub-signature": "sha1=abc" })).status).toBe(401);
    const first = await deliver("gh", event, headers);
    expect(first.status).toBe(201);
    expect((await deliver("gh", event, headers)).headers.get("idempotent-replayed")).toBe("true");
    expect((await deliver("gh", event, { ...headers, "x-github-delivery": "81e0f7aa" })).body.task.count).toBe(2);
    expect((await task(first.body.task.id)).count).toBe(2);
  });

  test("Sentry's signature is taken, with the secret that Sentry made", async () => {
    const { source, deliver } = await startWithSources();
    const secret = "5b2fc7c4d5e1a8f0a9b3c6d7e8f90123";
    await source("sentry", { verify: "sentry", secret });
    expect((await deliver("sentry", event, { "sentry-hook-signature": hmac(`${secret}x`, event) })).status).toBe(401);
    expect((await deliver("sentry", event, { "sentry-hook-signature": hmac(secret, event) })).status).toBe(201);
  });

  test("a plain token is taken as a signature, as bearer or in GitLab's header", async () => {
    const { source, deliver } = await startWithSources();
    const secret = await source("plain", { verify: "token" });
    expect((await deliver("plain", event, { authorization: `Bearer ${secret}` })).status).toBe(201);
    expect((await deliver("plain", event, { "x-gitlab-token": secret })).status).toBe(200);
    const wrong: Record<string, string>[] = [
      { authorization: `Bearer ${secret}x` },
      { "x-gitlab-token": "no" },
      { authorization: `Basic ${secret}` },
    ];
    for (const headers of wrong) expect((await deliver("plain", event, headers)).status).toBe(401);
  });

  test("signatures are over bytes as they came: another spelling of the same JSON is another body", async () => {
    const { source, deliver } = await startWithSources();
    const secret = await source("gh", { verify: "github" });
    const spaced = JSON.stringify(event, null, 2);
    expect((await deliver("gh", spaced, { "x-hub-signature-256": `sha256=${hmac(secret, event)}` })).status).toBe(401);
    expect((await deliver("gh", "not json", { "x-hub-signature-256": `sha256=${hmac(secret, event)}` })).status).toBe(
      401,
    );
  });

  test("signed events are limited in rate as their source, not as anybody", async () => {
    const { source, deliver } = await startWithSources({ rateLimit: 30 });
    const secret = await source("plain", { verify: "token" });
    const statuses: number[] = [];
    for (let i = 0; i < 32; i++) statuses.push((await deliver("plain", event, { "x-gitlab-token": secret })).status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
    expect((await deliver("plain", event, { "x-gitlab-token": "wrong" })).status).toBe(401);
  });
});
