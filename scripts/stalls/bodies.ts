const MIB = 1024 * 1024;
const encoder = new TextEncoder();
/** Members of so many bytes are just as many as are still parsed. */
export const PARSED = 430_000;

/** `"k0":1,"k1":1,...` up to so many bytes. */
export function members(bytes: number): string {
  const parts: string[] = [];
  for (let i = 0, size = 0; ; i++) {
    const part = `"k${i.toString(36)}":1`;
    size += part.length + 1;
    if (size > bytes) return parts.join(",");
    parts.push(part);
  }
}

const object = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1]));

export interface Body {
  what: string;
  bytes: Uint8Array;
  type: string;
}

export const json = (what: string, value: unknown): Body => ({
  what,
  bytes: encoder.encode(typeof value === "string" ? value : JSON.stringify(value)),
  type: "application/json",
});

/** Bodies that no route takes, each as large as the route reads. */
export function refusedBodies(limit: number, example: unknown, list: string | undefined): Body[] {
  const room = limit - 1000;
  const known = typeof example === "object" && example !== null ? JSON.stringify(example).slice(1, -1) : "";
  const begin = known && !Array.isArray(example) ? `{${known},` : "{";
  const bodies = [
    json("unknown members", `${begin}${members(room)}}`),
    json("unknown members, as many as are parsed", `${begin}${members(Math.min(room, PARSED))}}`),
    json("empty objects", `[${"{},".repeat(Math.floor(room / 3))}{}]`),
    json("brackets", "[".repeat(room)),
    json("escapes", `{"text":"${"\\u0041".repeat(Math.floor(room / 6))}"}`),
    json("quotes that are escaped", `{"text":"${'\\"'.repeat(Math.floor(room / 2) - 10)}"}`),
  ];
  if (list === undefined) return bodies;
  const many = Array.from({ length: 1000 }, () => object(90));
  const lines = (what: string, text: string): Body => ({ ...json(what, text), type: "application/x-ndjson" });
  return [
    ...bodies,
    json("a thousand items of unknown members", { [list]: many }),
    lines("line ends", "\n".repeat(room)),
    lines("blank lines", " \r\n".repeat(Math.floor(room / 3))),
    lines("lines of unknown members", `${JSON.stringify(object(90))}\n`.repeat(1000)),
  ];
}

const payload = { list: Array.from({ length: 32_000 }, () => 1) };
const meta = object(5000);
const text = "信".repeat(80 * 1024);
const large = { subject: "x".repeat(500), body: text, payload, meta };

/** The largest that a route takes, by its operation; the rest is measured with its example. */
export const ALLOWED: Record<string, () => Body[]> = {
  sendMessage: () => [
    json("256 KiB with payload and meta", { to: "ben", ...large }),
    json("to a thousand", { to: "tag:crowd", ...large }),
  ],
  sendBatch: () => [
    json("a thousand of 8 KiB", {
      messages: Array.from({ length: 1000 }, () => ({ to: "ben", body: "x".repeat(8000) })),
    }),
    json("a thousand of digits", {
      messages: Array.from({ length: 1000 }, () => ({ to: "ben", body: "123456789012345 ".repeat(500) })),
    }),
    json("a thousand with payloads", {
      messages: Array.from({ length: 1000 }, () => ({ to: "ben", body: "x", payload: object(80) })),
    }),
    json("a thousand for a thousand", {
      messages: Array.from({ length: 1000 }, () => ({ to: "tag:crowd", body: "x" })),
    }),
    json("a thousand pieces of work", {
      messages: Array.from({ length: 1000 }, () => ({ to: "tag:crowd", body: "x", claimable: true })),
    }),
  ],
  completeClaims: () => [
    json("a thousand with results", {
      items: Array.from({ length: 1000 }, (_, i) => ({ id: i + 1, token: "clm_1_1", result: "x".repeat(4000) })),
    }),
    json("a thousand that are none", { items: Array.from({ length: 1000 }, () => object(80)) }),
  ],
  delegate: () => [json("256 KiB", { to: "ben", text, payload })],
  createTask: () => [json("256 KiB", { title: "x", body: text, target: "ben", payload })],
  addTraces: () => [
    json(
      "a hundred of 8 KiB",
      Array.from({ length: 100 }, () => ({ level: 3, type: "tool_call", content: "x".repeat(8000) })),
    ),
  ],
  registerAgent: () => [
    json("everything", {
      ...{ name: "ann", description: "x".repeat(4000), meta },
      skills: Array.from({ length: 64 }, (_, i) => ({ name: `skill ${i}`, description: "x".repeat(2000) })),
      capabilities: Array.from({ length: 64 }, (_, i) => `c${i}`),
    }),
  ],
  createSchedule: () => [json("256 KiB", { at: "2099-01-01T00:00:00Z", message: { to: "ben", ...large } })],
  putModels: () => [
    json("five hundred", {
      items: Array.from({ length: 500 }, (_, i) => ({ id: `m${i}`, name: "x".repeat(256), provider: "x".repeat(128) })),
    }),
  ],
  putJobs: () => [
    json("two hundred", {
      // The path of the other routes names one `ann`.
      items: ["ann", ...Array.from({ length: 199 }, (_, i) => `j${i}`)].map((id) => ({
        ...{ id, name: "x".repeat(256), schedule: "x".repeat(256) },
      })),
    }),
  ],
  reportJobRun: () => [
    json("1,000 KB", { id: "1", status: "ok", startedAt: "2026-01-01T00:00:00Z", output: "信".repeat(340_000) }),
  ],
  putWebhookChannel: () => [],
  makeBackup: () => [],
  uploadFile: () => [{ what: "1 MiB", bytes: new Uint8Array(MIB), type: "application/octet-stream" }],
  postEvent: () => [json("1 MiB of payload", { title: "x", payload: { list: "x".repeat(60_000) } })],
};
