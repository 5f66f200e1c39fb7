import { expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { callCli } from "../support/cli-harness.ts";
import { listen } from "../support/listen.ts";
import { startRelay, tempFolder } from "../support/relay.ts";

const NAME = "box.tail1234.ts.net";

/** A `tailscale` that answers as told, notes its calls, and serves what it is asked to. */
function fakeTailscale(answers: { status: object; serve?: object }) {
  const folder = tempFolder();
  const file = (name: string) => join(folder, name);
  writeFileSync(file("status"), JSON.stringify(answers.status));
  writeFileSync(file("serve"), JSON.stringify(answers.serve ?? {}));
  const script = `#!/bin/sh
PATH=/usr/bin:/bin; echo "$*" >> ${file("calls")}
case "$1 $2" in
  "status --json") cat ${file("status")};;
  "serve status") cat ${file("serve")};;
  "serve --bg") ;;
  *) echo "unknown command" >&2; exit 1;;
esac
`;
  writeFileSync(file("tailscale"), script);
  chmodSync(file("tailscale"), 0o755);
  return {
    folder,
    calls: () => (existsSync(file("calls")) ? readFileSync(file("calls"), "utf8").trim().split("\n") : []),
  };
}

const running = { BackendState: "Running", Self: { DNSName: `${NAME}.` }, CertDomains: [NAME] };
const serving = (target: string, port = 443) => ({
  Web: { [`${NAME}:${port}`]: { Handlers: { "/": { Proxy: target } } } },
});

async function startPhone(publicUrl?: string) {
  const relay = await startRelay({ publicUrl });
  const url = listen(relay);
  const call = (PATH: string, ...args: string[]) =>
    callCli(["console", "--phone", ...args], {
      env: { PATH, SIGNALBOX_URL: url, SIGNALBOX_TOKEN: relay.relay.operatorToken },
    });
  return { url, call };
}

test("console --phone finds Tailscale, prints what to run, and runs it with --yes alone", async () => {
  const { url, call } = await startPhone();
  const tailscale = fakeTailscale({ status: running });
  const shown = await call(tailscale.folder);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain(`tailscale serve --bg ${url}`);
  expect(shown.stdout).toContain(`SIGNALBOX_PUBLIC_URL=https://${NAME}`);
  expect(shown.stdout).not.toContain("#code=");
  expect(tailscale.calls()).toEqual(["status --json", "serve status --json"]);
  const ran = await call(tailscale.folder, "--yes", "--json");
  expect(tailscale.calls().at(-1)).toBe(`serve --bg ${url}`);
  // The relay does not know its address yet.
  expect(JSON.parse(ran.stdout)).toMatchObject({
    ...{ address: `https://${NAME}`, link: null },
    steps: [{ done: true }, { done: false, lines: [`SIGNALBOX_PUBLIC_URL=https://${NAME}`] }],
  });
});

test("console --phone gives the link once all is set up, and leaves a port of others alone", async () => {
  const { url, call } = await startPhone(`https://${NAME}`);
  const ready = fakeTailscale({ status: running, serve: serving(url) });
  const shown = await call(ready.folder, "--yes");
  expect(shown.stdout).toMatch(/open https:\/\/box\.tail1234\.ts\.net\/#code=[\w-]+\n/);
  expect(ready.calls()).not.toContain(`serve --bg ${url}`);
  const taken = fakeTailscale({ status: running, serve: serving("http://127.0.0.1:3000") });
  expect((await call(taken.folder)).stdout).toContain(`tailscale serve --bg --https=8443 ${url}`);
  const bare = fakeTailscale({ status: { ...running, CertDomains: null } });
  expect((await call(bare.folder, "--yes")).stdout).toContain("HTTPS certificates");
  expect(bare.calls().some((one) => one.startsWith("serve --bg"))).toBe(false);
});

test("without Tailscale console --phone shows the lines for Caddy, and a public URL of its own needs neither", async () => {
  const empty = tempFolder();
  const { url, call } = await startPhone();
  const { stdout } = await call(empty);
  expect(stdout).toContain(`reverse_proxy ${url.slice(7)} {`);
  expect(stdout).toContain("SIGNALBOX_PUBLIC_URL=https://relay.example.com");
  const stopped = fakeTailscale({ status: { BackendState: "NeedsLogin" } });
  expect((await call(stopped.folder)).stdout).toContain("tailscale up");
  const own = await startPhone("https://relay.test");
  expect((await own.call(empty)).stdout).toMatch(/open https:\/\/relay\.test\/#code=/);
});
