import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BUN_FLAGS } from "../../src/cli/own.ts";
import { allPages } from "../support/markdown.ts";

const ROOT = join(import.meta.dir, "../..");
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");

test("everything that publishes the relay's port does so on loopback alone", () => {
  const { services } = Bun.YAML.parse(read("compose.yaml")) as { services: { relay: { ports: string[] } } };
  expect(services.relay.ports).toEqual(["127.0.0.1:4747:4747"]);
  for (const text of [read("Dockerfile"), ...allPages().map((page) => page.text)])
    for (const [, port] of text.matchAll(/(?:-p|--publish) (\S*4747)/g)) expect(port).toStartWith("127.0.0.1:");
  expect(read("deploy/Caddyfile")).toContain("reverse_proxy 127.0.0.1:4747");
  expect(read("deploy/nginx.conf")).toContain("proxy_pass http://127.0.0.1:4747");
});

test("the image and the service start Bun with the flags that keep it from reading a folder", () => {
  const flags = BUN_FLAGS.join(" ");
  expect(read("Dockerfile")).toContain(`exec bun ${flags} /app/dist/signalbox.js`);
  expect(read("Dockerfile")).toContain(
    JSON.stringify(["bun", ...BUN_FLAGS, "dist/signalbox.js", "serve"]).replaceAll(",", ", "),
  );
  expect(read("deploy/signalbox.service")).toMatch(
    new RegExp(`^ExecStart=\\S+ ${flags} \\S+/dist/signalbox.js serve --data `, "m"),
  );
});

test("the image makes the file that it starts", () => {
  expect(read("Dockerfile")).toContain(`RUN bun ${BUN_FLAGS.join(" ")} scripts/build.ts`);
  expect(read("deploy/signalbox.service")).toContain("bun run build");
});

test("the image's health check needs no second Bun", () => {
  expect(read("Dockerfile")).toMatch(/HEALTHCHECK[^\n]*\\\n {2}CMD wget [^\n]*\/healthz/);
});

test("a proxy lets streams, sockets and large attachments through", () => {
  const nginx = read("deploy/nginx.conf");
  for (const rule of ["proxy_buffering off", "proxy_http_version 1.1", "$http_upgrade", "client_max_body_size 64m"])
    expect(nginx).toContain(rule);
  expect(read("deploy/Caddyfile")).toContain("flush_interval -1");
});
