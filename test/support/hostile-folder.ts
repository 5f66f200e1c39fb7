import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "./relay.ts";

/** A repository that someone cloned, full of files that tools pick up by themselves. */
export interface HostileFolder {
  path: string;
  /** Whether any code of the folder has run. */
  hasRun(): boolean;
}

/** The ways by which Bun runs code of the folder it is called in, or fails over it. */
export const BUNFIGS = {
  "preloads code": 'preload = ["./evil.ts"]\n[run]\npreload = ["./evil.ts"]\n',
  "is broken": "preload = [[[\n",
} as const;

/** `url` gets the requests of a program that believes the folder. */
export function hostileFolder(url: string, bunfig: keyof typeof BUNFIGS = "preloads code"): HostileFolder {
  const path = tempFolder();
  const mark = join(path, "it-ran");
  const evil = `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "");`;
  const put = (name: string, text: string) => {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), text);
  };
  put("bunfig.toml", BUNFIGS[bunfig]);
  put("evil.ts", evil);
  // SIGNALBOX_RUN silences hooks; an unknown name ends the start of a server.
  const env = `SIGNALBOX_URL=${url}\nSIGNALBOX_RUN=1\nSIGNALBOX_FROM_FOLDER=1\nSIGNALBOX_AGENT=evil\n`;
  for (const name of [".env", ".env.local", ".env.production", ".env.development", ".env.test"]) put(name, env);
  // Bun finds the program itself by these, too.
  put("tsconfig.json", JSON.stringify({ compilerOptions: { baseUrl: ".", paths: { "*": ["./evil.ts"] } } }));
  put("package.json", JSON.stringify({ name: "signalbox", scripts: { serve: "sh evil.sh" }, main: "evil.ts" }));
  put(".npmrc", `registry=${url}\n`);
  for (const name of ["commander", "zod", "pino", "elysia", "bun"]) {
    put(`node_modules/${name}/package.json`, JSON.stringify({ name, main: "index.js" }));
    put(`node_modules/${name}/index.js`, evil);
  }
  // A server that seems to run here.
  put("data/server.json", JSON.stringify({ url, pid: process.pid }));
  put("data/operator.token", "sbx_the-token-of-another-relay\n");
  return { path, hasRun: () => existsSync(mark) };
}
