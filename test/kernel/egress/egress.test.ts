import { describe, expect, test } from "bun:test";
import { $ } from "bun";
import { readConfig } from "../../../src/config.ts";
import { createEgress, EgressError, type EgressParts } from "../../../src/kernel/egress/egress.ts";
import { Problem } from "../../../src/protocol/problem.ts";
import { atEnd, tempFolder } from "../../support/relay.ts";

/** Names of the tests' own internet. `turning.test` changes its address after it was asked for once. */
function fakeNames(names: Record<string, string[][]>) {
  const asked: string[] = [];
  return {
    asked,
    async resolve(host: string): Promise<string[]> {
      asked.push(host);
      const answers = names[host];
      const times = asked.filter((name) => name === host).length;
      if (!answers) throw new Error("ENOTFOUND");
      return answers[Math.min(times, answers.length) - 1] ?? [];
    },
  };
}

type Handler = (request: Request) => Response | Promise<Response>;

/** A server on loopback, and all that reached it. */
function serve(handler: Handler = () => new Response("ok"), tls?: { key: string; cert: string }) {
  const requests: { method: string; path: string; headers: Headers; body: string }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const seen = { method: request.method, path: pathname, headers: request.headers, body: await request.text() };
      requests.push(seen);
      return handler(request);
    },
  });
  atEnd(() => server.stop(true));
  return { port: server.port, url: `http://127.0.0.1:${server.port}`, requests };
}

const open = (parts: Partial<EgressParts> = {}) => createEgress({ allow: ["127.0.0.0/8"], ...parts });
const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
  } catch (error) {
    if (error instanceof EgressError) return error.code;
    throw error;
  }
  return "answered";
};

const PRIVATE = [
  ...["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3"],
  ...["224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1", "192.0.0.192", "168.63.129.16"],
  ...["::1", "::", "fe80::1", "fe80::1%1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:10.0.0.1"],
  ...["::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001::1", "2001:db8::1"],
  ...["::ffff:0:127.0.0.1", "4000::1", "100::1", "5f00::1"],
];

describe("what a URL says by itself", () => {
  const egress = open({ allow: [] });
  const flawOf = (url: string): unknown => {
    try {
      egress.requireAllowed(url, "/url");
      return undefined;
    } catch (error) {
      return error instanceof Problem ? error.extras.errors?.[0]?.pointer : error;
    }
  };

  test("a URL is refused with its place: other schemes, passwords, names of this machine", () => {
    for (const url of [
      ...["", "nonsense", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)"],
      ...["https://ann:secret@example.com/", "https://ann@example.com/", "http://localhost/", "http://a.localhost:80/"],
      ...[
        "http://localhost./",
        "http://printer.local/",
        "http://metadata.google.internal/",
        `http://a/${"x".repeat(3000)}`,
      ],
    ])
      expect([url, flawOf(url)]).toEqual([url, "/url"]);
  });

  test("a URL is refused for every address that is not public, however it is written", () => {
    const written = ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "①②⑦.0.0.1", "%31%32%37.0.0.1"];
    const hosts = PRIVATE.filter((address) => !address.includes("%")).map((a) => (a.includes(":") ? `[${a}]` : a));
    for (const host of [...hosts, ...written]) expect([host, flawOf(`http://${host}/`)]).toEqual([host, "/url"]);
  });

  test("a URL is accepted where it is public", () => {
    for (const url of ["https://example.com/hook?a=b", "http://8.8.8.8:8080/", "https://[2606:4700:4700::1111]/"])
      expect([url, flawOf(url)]).toEqual([url, undefined]);
  });
});

describe("what a name stands for", () => {
  test("a name is refused when any of its addresses is not public, and nothing is sent", async () => {
    const server = serve();
    for (const address of PRIVATE) {
      const { resolve } = fakeNames({ "hook.test": [["8.8.8.8", address]] });
      const egress = open({ allow: [], resolve });
      const call = egress.request({ url: `http://hook.test:${server.port}/`, timeoutMs: 1000 });
      expect([address, await codeOf(call)]).toEqual([address, "refused"]);
    }
    expect(server.requests).toEqual([]);
  });

  test("a name is asked for once: a name that changes its address afterwards gains nothing", async () => {
    const server = serve();
    const names = fakeNames({ "turning.test": [["127.0.0.1"], ["10.0.0.1"]] });
    const egress = open({ resolve: names.resolve });
    const answer = await egress.request({ url: `http://turning.test:${server.port}/a?b=c` });
    expect(answer.status).toBe(200);
    expect(names.asked).toEqual(["turning.test"]);
    expect(server.requests[0]?.headers.get("host")).toBe(`turning.test:${server.port}`);
    // And the next request looks again.
    expect(await codeOf(egress.request({ url: `http://turning.test:${server.port}/` }))).toBe("refused");
  });

  test("a name that is unknown, or nobody listens there, is said so; the next address of a name is tried", async () => {
    const server = serve();
    const { resolve } = fakeNames({ "two.test": [["127.0.0.2", "127.0.0.1"]], "none.test": [[]] });
    const egress = open({ resolve });
    expect(await codeOf(egress.request({ url: "http://unknown.test/" }))).toBe("unresolved");
    expect(await codeOf(egress.request({ url: "http://none.test/" }))).toBe("unresolved");
    expect(await codeOf(egress.request({ url: "http://127.0.0.1:1/" }))).toBe("unreachable");
    expect((await egress.request({ url: `http://two.test:${server.port}/` })).status).toBe(200);
  });

  test("an address that is not public may be allowed: by range, by name, or all of them", async () => {
    const server = serve();
    const { resolve } = fakeNames({ "in.test": [["127.0.0.1"]] });
    const url = `http://in.test:${server.port}/`;
    for (const allow of [["127.0.0.0/8"], ["127.0.0.1"], ["IN.test"], ["10.0.0.0/8", "*"]])
      expect((await open({ allow, resolve }).request({ url })).status).toBe(200);
    for (const allow of [[], ["10.0.0.0/8"], ["other.test"]])
      expect(await codeOf(open({ allow, resolve }).request({ url }))).toBe("refused");
  });
});

describe("over TLS", () => {
  test("over TLS the name of an address is checked, not the address", async () => {
    const folder = tempFolder();
    await $`openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 3 -subj /CN=hook.test -addext subjectAltName=DNS:hook.test`
      .cwd(folder)
      .quiet();
    const [key, cert] = await Promise.all(["k.pem", "c.pem"].map((file) => Bun.file(`${folder}/${file}`).text()));
    const server = serve(undefined, { key: key ?? "", cert: cert ?? "" });
    const { resolve } = fakeNames({ "hook.test": [["127.0.0.1"]], "other.test": [["127.0.0.1"]] });
    const ask = (host: string, ca?: string) =>
      open({ resolve, ca }).request({ url: `https://${host}:${server.port}/` });
    expect((await ask("hook.test", cert)).status).toBe(200);
    expect(await codeOf(ask("other.test", cert))).toBe("unreachable");
    expect(await codeOf(ask("127.0.0.1", cert))).toBe("unreachable");
    expect(await codeOf(ask("hook.test"))).toBe("unreachable");
    expect(server.requests).toHaveLength(1);
  });
});

describe("a request", () => {
  test("a request carries method, headers and body, and answers with status, headers and body", async () => {
    const server = serve(() => new Response("made", { status: 201, headers: { "X-Made": "yes" } }));
    const headers = { "Content-Type": "text/plain", "X-A": "b" };
    const answer = await open().request({ url: `${server.url}/p`, method: "POST", headers, body: "héllo" });
    expect(answer).toMatchObject({ status: 201, headers: { "x-made": "yes" }, url: `${server.url}/p` });
    expect(new TextDecoder().decode(answer.body)).toBe("made");
    expect(server.requests).toMatchObject([{ method: "POST", path: "/p", body: "héllo" }]);
    expect(server.requests[0]?.headers.get("x-a")).toBe("b");
    expect(server.requests[0]?.headers.get("user-agent")).toStartWith("Signalbox/");
  });

  test("a request goes through no proxy of the environment", async () => {
    const proxy = serve();
    const server = serve();
    const before = { ...process.env };
    for (const name of ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"]) process.env[name] = proxy.url;
    try {
      expect((await open().request({ url: `${server.url}/mine` })).status).toBe(200);
    } finally {
      for (const name of ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"]) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
    // Clients of other tests in this process look at the environment, too.
    const mine = ({ path }: { path: string }) => path.includes("/mine");
    expect([proxy.requests.filter(mine).length, server.requests.length]).toEqual([0, 1]);
  });

  test("a request ends in time: when no answer comes, and when it comes in drips", async () => {
    const silent = serve(() => new Promise<Response>(() => undefined));
    const dripping = serve(
      () =>
        new Response(
          new ReadableStream({
            async pull(controller) {
              await Bun.sleep(20);
              controller.enqueue(new Uint8Array(1));
            },
          }),
        ),
    );
    for (const { url } of [silent, dripping])
      expect(await codeOf(open().request({ url, timeoutMs: 200 }))).toBe("timeout");
    const resolve = () => new Promise<string[]>(() => undefined);
    expect(await codeOf(open({ resolve }).request({ url: "http://slow.test/", timeoutMs: 50 }))).toBe("timeout");
  });

  test("a request is given up when its signal fires, with that reason", async () => {
    const server = serve(() => new Promise<Response>(() => undefined));
    const leaving = new AbortController();
    const asked = open().request({ url: server.url, signal: leaving.signal });
    const ended = asked.catch((error: unknown) => error);
    leaving.abort("enough");
    expect(await ended).toBe("enough");
    expect(
      await open()
        .request({ url: server.url, signal: leaving.signal })
        .catch((error: unknown) => error),
    ).toBe("enough");
  });

  test("a request takes no larger answer than it asked for, in one piece or without end", async () => {
    const large = serve(() => new Response("x".repeat(5000)));
    const endless = serve(
      () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1000)) })),
    );
    for (const { url } of [large, endless]) {
      expect(await codeOf(open().request({ url, maxBytes: 2000 }))).toBe("too-large");
      const cut = await open().request({ url, maxBytes: 2000, overflow: "cut" });
      expect(cut.body.length).toBe(2000);
    }
  });
});

describe("a redirect", () => {
  const to = (location: string, status = 302) => serve(() => new Response("", { status, headers: { location } }));

  test("a redirect is the answer when none are to be followed", async () => {
    const inner = serve();
    const { url } = to(inner.url);
    expect(await open().request({ url })).toMatchObject({ status: 302, headers: { location: inner.url } });
    expect(inner.requests).toEqual([]);
  });

  test("a redirect is checked like the first address", async () => {
    const inner = serve();
    const { resolve } = fakeNames({ "in.test": [["10.0.0.1"]] });
    for (const [location, code] of [
      ["http://10.0.0.1/", "refused"],
      ["http://169.254.169.254/latest/meta-data/", "refused"],
      ["http://in.test/", "refused"],
      ["file:///etc/passwd", "refused"],
      ["http://ann:b@127.0.0.1/", "refused"],
      [`${inner.url}/`, "answered"],
    ] as const)
      expect([location, await codeOf(open({ resolve }).request({ url: to(location).url, redirects: 2 }))]).toEqual([
        location,
        code,
      ]);
    expect(inner.requests).toHaveLength(1);
  });

  test("a redirect in a circle ends", async () => {
    const server = serve(() => new Response("", { status: 307, headers: { location: "/again" } }));
    expect(await codeOf(open().request({ url: server.url, redirects: 3 }))).toBe("redirect");
    expect(server.requests).toHaveLength(4);
  });

  test("a redirect becomes a GET without a body, but for 307 and 308; what is private stays with the first host", async () => {
    const inner = serve();
    for (const [status, method, body] of [
      [302, "GET", ""],
      [303, "GET", ""],
      [307, "POST", "hello"],
      [308, "POST", "hello"],
    ] as const) {
      const { url } = to(inner.url, status);
      const headers = { authorization: "Bearer x", "content-type": "text/plain", "x-kept": "yes" };
      await open().request({ url, method: "POST", headers, body: "hello", redirects: 1 });
      const seen = inner.requests.at(-1);
      expect(seen).toMatchObject({ method, body });
      expect(seen?.headers.get("authorization")).toBeNull();
      expect(seen?.headers.get("x-kept")).toBe("yes");
    }
  });
});

describe("the setting", () => {
  test("the setting of allowed addresses is a list of hosts, addresses and ranges, and a bad one stops the start", () => {
    expect(readConfig({}).egressPrivate).toEqual([]);
    const given = { SIGNALBOX_EGRESS_PRIVATE: "10.0.0.0/8, fd00::/8,192.168.1.5 build.lan" };
    expect(readConfig(given).egressPrivate).toEqual(["10.0.0.0/8", "fd00::/8", "192.168.1.5", "build.lan"]);
    expect(() => readConfig({ SIGNALBOX_EGRESS_PRIVATE: "10.0.0.0/99" })).toThrow("SIGNALBOX_EGRESS_PRIVATE");
  });
});
