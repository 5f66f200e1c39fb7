import { execFile } from "node:child_process";
import { EXIT, Stop } from "./exit.ts";

/** The machine's name in its tailnet, and the state of the program. */
export interface Tailnet {
  /** `box.tail1234.ts.net`; undefined while it is not connected. */
  name: string | undefined;
  /** Whether the tailnet gives certificates to its machines. */
  hasCertificates: boolean;
}

/** Address of the program on macOS, where the app brings it along. */
const MAC_APP = "/Applications/Tailscale.app/Contents/MacOS/Tailscale";
const TIMEOUT_MS = 20_000;
const HOST = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i;

export type Tailscale = NonNullable<ReturnType<typeof findTailscale>>;

/** The program `tailscale` on this machine; undefined without one. */
export function findTailscale({ PATH = "" }: NodeJS.ProcessEnv) {
  const program = Bun.which("tailscale", { PATH }) ?? Bun.which(MAC_APP);
  if (program === null) return undefined;

  /** @throws Stop with the program's words */
  const call = (...args: string[]): Promise<string> =>
    new Promise((settle, reject) =>
      execFile(program, args, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
        if (!error) return settle(stdout);
        reject(new Stop(EXIT.problem, `tailscale ${args.join(" ")} failed: ${stderr.trim() || error.message}`));
      }),
    );

  const json = async (...args: string[]): Promise<Record<string, unknown>> => {
    const text = await call(...args);
    try {
      return Object(JSON.parse(text || "{}"));
    } catch {
      throw new Stop(EXIT.problem, `tailscale ${args.join(" ")} answered no JSON. Is it a version from 2023 or later?`);
    }
  };

  return {
    async tailnet(): Promise<Tailnet> {
      const { BackendState, Self, CertDomains } = await json("status", "--json");
      const given = String((Object(Self) as { DNSName?: unknown }).DNSName ?? "").replace(/\.$/, "");
      const name = BackendState === "Running" && HOST.test(given) ? given : undefined;
      return { name, hasCertificates: Array.isArray(CertDomains) && CertDomains.length > 0 };
    },

    /** Target that `https://<name>:<port>/` leads to; undefined for none. */
    async served(name: string, port: number): Promise<string | undefined> {
      const { Web } = await json("serve", "status", "--json");
      const site = Object(Object(Web)[`${name}:${port}`]);
      const target = Object(Object(site.Handlers)["/"]).Proxy;
      return site.Handlers === undefined ? undefined : String(target ?? "something else");
    },

    serve: (words: readonly string[]): Promise<string> => call(...words),
  };
}
