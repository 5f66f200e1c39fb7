import type { SignInLink } from "../protocol/sign-in.ts";
import type { Context } from "./context.ts";
import { isLoopback } from "./data-folder.ts";
import { EXIT, Stop } from "./exit.ts";
import { safeLine } from "./screen.ts";
import { findTailscale, type Tailscale } from "./tailscale.ts";

/** Ports that `tailscale serve` may take, the first that is free. */
const PORTS = [443, 8443, 10_000];

/** One step on the way to a console on a phone. */
interface Step {
  do: string;
  /** Lines to run or to write down. */
  lines?: string[];
  done?: boolean;
}

/** Everything that was found, and what is left to do. */
interface Way {
  /** Address of the console for the phone; null while it has none. */
  address: string | null;
  steps: Step[];
  /** The link that signs the phone in; null while the relay does not know its address. */
  link: SignInLink | null;
}

interface Options {
  yes: boolean;
  makeLink(): Promise<SignInLink>;
}

/**
 * Finds how a phone reaches the relay over HTTPS: by the relay's own public URL, by Tailscale on this machine, or by a proxy to be set
 * up. Asks this machine's programs and the relay, and nothing else.
 */
export async function showPhone({ settings, out }: Context, { yes, makeLink }: Options): Promise<void> {
  const link = await makeLink();
  const known = new URL(link.url);
  const way =
    known.protocol === "https:" && !known.hostname.endsWith(".ts.net")
      ? { address: known.origin, steps: [], link }
      : await wayFrom(localOf(settings.url), link, yes);
  await out.show(way, () => textOf(way));
}

/** @throws Stop when the relay runs on another machine */
function localOf(url: string): string {
  if (isLoopback(url)) return `http://127.0.0.1:${new URL(url).port || "80"}`;
  throw new Stop(
    EXIT.usage,
    `${url} is on another machine: run this there, or start that relay with SIGNALBOX_PUBLIC_URL=https://…`,
  );
}

async function wayFrom(target: string, link: SignInLink, yes: boolean): Promise<Way> {
  const tailscale = findTailscale(process.env);
  if (!tailscale) return { address: null, steps: caddySteps(target), link: null };
  const { name, hasCertificates } = await tailscale.tailnet();
  if (name === undefined)
    return {
      address: null,
      steps: [{ do: "Connect this machine to its tailnet", lines: ["tailscale up"] }],
      link: null,
    };
  const { port, isServed } = await placeOn(tailscale, name, target);
  const address = `https://${name}${port === 443 ? "" : `:${port}`}`;
  const words = ["serve", "--bg", ...(port === 443 ? [] : [`--https=${port}`]), target];
  const command = ["tailscale", ...words].join(" ");
  if (!isServed && yes && hasCertificates) await tailscale.serve(words);
  const isNamed = new URL(link.url).origin === address;
  const steps: Step[] = [
    ...(hasCertificates
      ? []
      : [{ do: "Turn on HTTPS certificates for the tailnet, on the DNS page of its admin console" }]),
    {
      do: "Let Tailscale serve the relay to your devices, with a certificate",
      lines: [command],
      done: isServed || (yes && hasCertificates),
    },
    {
      do: "Tell the relay its address, and start it again",
      lines: [`SIGNALBOX_PUBLIC_URL=${address}`],
      done: isNamed,
    },
  ];
  const isReady = steps.every(({ done }) => done);
  return { address, steps, link: isReady ? link : null };
}

/** The first port that leads to the relay already, or is free. @throws Stop when all are taken */
async function placeOn(tailscale: Tailscale, name: string, target: string) {
  for (const port of PORTS) {
    const served = await tailscale.served(name, port);
    if (served === undefined || served === target) return { port, isServed: served === target };
  }
  throw new Stop(
    EXIT.problem,
    `tailscale serves other things on the ports ${PORTS.join(", ")}. Free one: tailscale serve status`,
  );
}

const caddySteps = (target: string): Step[] => [
  { do: "Either install Tailscale here and on the phone (https://tailscale.com/download), and call this again" },
  {
    do: "Or put Caddy in front of the relay, at a name of yours that leads to this machine",
    lines: [
      "relay.example.com {",
      `	reverse_proxy ${target.slice("http://".length)} {`,
      "		flush_interval -1",
      "	}",
      "}",
    ],
  },
  {
    do: "Then tell the relay its address, and start it again",
    lines: ["SIGNALBOX_PUBLIC_URL=https://relay.example.com"],
  },
];

function textOf({ address, steps, link }: Way): string {
  const listed = steps.map(({ do: what, lines = [], done }) => {
    const head = done === undefined ? `- ${what}:` : `${done ? "✓" : "-"} ${what}${done ? "." : ":"}`;
    return [
      lines.length > 0 || done ? head : `${head.slice(0, -1)}.`,
      ...(done ? [] : lines.map((line) => `    ${line}`)),
    ];
  });
  const end = link
    ? [
        `On the phone, open ${safeLine(link.url)}`,
        "It signs one browser in, once, within 10 minutes. Then: Settings, This device, Allow notifications.",
        "On an iPhone: first Share, Add to Home Screen; open it there, and paste the link.",
      ]
    : [
        `${address ? `Then the console is at ${safeLine(address)}. ` : ""}Call signalbox console --phone again for the link.`,
      ];
  return [...listed.flat(), ...end].join("\n");
}
