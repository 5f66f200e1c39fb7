import fc from "fast-check";
import { anyText } from "./any-text.ts";

/** JSON text that `JSON.stringify` would never write, by a short name, so that a failure is readable. */
const SPLICES: Record<string, string> = {
  "100,000 arrays deep": "[".repeat(100_000) + "]".repeat(100_000),
  "50,000 objects deep": `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`,
  "65 objects deep": `${'{"a":'.repeat(65)}1${"}".repeat(65)}`,
  "arrays that never close": "[".repeat(100_000),
  "an array of 100,000": `[${"0,".repeat(99_999)}0]`,
  "an object of 5,000 keys": `{${Array.from({ length: 5000 }, (_, i) => `"k${i}":${i}`).join()}}`,
  "129 characters": `"${"x".repeat(129)}"`,
  "70 KB": `"${"x".repeat(70_000)}"`,
  "300 KB": `"${"x".repeat(300_000)}"`,
  "300 KB in 100,000 characters": `"${"\u20ac".repeat(100_000)}"`,
  "2 MB": `"${"x".repeat(2_000_000)}"`,
  "400 digits": "9".repeat(400),
  "a prototype": '{"__proto__":{"polluted":true}}',
  "a prototype inside": '{"a":{"__proto__":{"polluted":true}},"__proto__":null}',
  "a constructor": '{"constructor":{"prototype":{"polluted":true}}}',
  "names of every object": '{"toString":null,"valueOf":1,"hasOwnProperty":[],"then":{}}',
  "a key twice": '{"a":1,"a":2}',
  "a lone surrogate as key": '{"\\ud800":1}',
  "a lone surrogate": '"\\ud800"',
  "surrogates the wrong way round": '"\\udfff\\ud800"',
  "an escaped NUL": '"\\u0000"',
  "a raw tab": '"\t"',
  "a wrong escape": '"\\x"',
  "single quotes": "'a'",
  "an open string": '"a',
  nothing: "",
};
for (const text of ["1e999", "-1e999", "-0", "1E-400", "1.0", "01", "+1", "NaN", "0x1", "1_000", "undefined", "tru"])
  SPLICES[text] = text;

/** The JSON text of a value in which splices may stand. */
export function jsonText(value: unknown): string {
  return (JSON.stringify(value) ?? "null").replaceAll(/"@splice ([^"]*)"/g, (_, name: string) => SPLICES[name] ?? name);
}

/** Times that are none, or hardly: what an offset or a 30th of February does to them. */
const TIMES = [
  ...["2026-01-01T00:00:00Z", "2026-01-01T00:00:00+23:59", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z"],
  ...["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-23:59", "+275760-09-13T00:00:00Z", "2026-01-01"],
  ...["0000-01-01T00:00:00Z", "0000-01-01T00:00:00+23:59", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00z"],
];

/** Text that some check may not have thought of: lone surrogates, NUL, right-to-left marks, reserved names, SQL, paths. */
const TEXTS = [
  ...["", " ", "\u0000", "a\u0000b", "\ud800", "a\udc00", "\u{1f600}", "\u202eevil", "\ufeff", "\u0085"],
  ...["\r\n", "e\u0301", "\u0663", "\uff11", "__proto__", "constructor", "toString", "user", "system"],
  ...["broadcast", "worker", "sender", "label:", "label:x", "tag:", "tag:review", "tag:*", "cap:\u0000"],
  ...["orchestrator:x", "orchestrator-x", "@default", "@", "a:b", "telegram:main", "../../etc/passwd"],
  ...["' or 1=1 --", '") or (1=1', "*", "a* NEAR(b", "%", "%00", "%zz", "new-", "1e3", "0x10", "-1", "NaN"],
  ...["null", "1", "true", ...TIMES],
];

const NUMBERS = [
  ...[0, -0, -1, 1, 2, 1.5, 60, 61, 100, 101, 500, 501, 86_400, 86_401, 2 ** 31, 2 ** 32, 2 ** 53 - 1],
  ...[2 ** 53, 2 ** 63, 1e21, 1e308, -1e308, 5e-324, -(2 ** 53)],
];

/** Values of the same kind as what stands there, which so get past the first check. */
export function near(there: unknown): readonly unknown[] {
  if (typeof there === "number") return NUMBERS;
  if (typeof there === "boolean") return [!there];
  if (Array.isArray(there)) return [[], [...there, ...there], Array(1001).fill(there[0]), [there]];
  if (typeof there !== "string") return [{}, [there], null];
  return /^\d{4}-\d\d-\d\dT/.test(there) ? TIMES : [...TEXTS, there.toUpperCase(), `${there} `, there.repeat(300)];
}

export const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 1, arbitrary: anyText(20) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 20 }) },
);

/** Any JSON value, sound or not. */
export const json: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 3, arbitrary: fc.constantFrom<unknown>(...NUMBERS) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { a: 1 }, [{}]) },
  { weight: 4, arbitrary: fc.constantFrom(...Object.keys(SPLICES)).map((name) => `@splice ${name}`) },
  { weight: 1, arbitrary: fc.array(text, { maxLength: 80 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
);

/** A piece of a path or a query, as it stands in the URL. */
export const urlPiece = fc.oneof(
  { weight: 2, arbitrary: text.map((given) => encodeURIComponent(given.toWellFormed())) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...[
        "%",
        "%zz",
        "%ff",
        "%c0%80",
        "%ed%a0%80",
        "%00",
        "%0d%0a",
        "%2e%2e",
        "%2f",
        "%252e",
        "+",
        ";",
        "a;b",
        "=",
        "a=b",
      ],
      ...[
        "x".repeat(130),
        "x".repeat(9000),
        "%f0%9f%98%80",
        "%E2%80%AE",
        "1",
        "2",
        "999999999999999",
        "9007199254740993",
      ],
      ...[
        "1e3",
        "-0",
        "01",
        "0",
        "tok_x",
        "worker",
        "sender",
        "%77orker",
        "WORKER",
        "user",
        "system",
        "stream",
        "batch",
      ],
    ),
  },
);

/** Characters that a header may hold and still be sent: Latin-1 without line breaks. */
const latin1 = fc
  .array(fc.integer({ min: 0x20, max: 0xff }), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes).replaceAll("\x7f", ""));

const HEADERS: Record<string, string[]> = {
  authorization: [
    "",
    "Bearer",
    "Bearer ",
    "Basic dXNlcjpw",
    "Bearer a b",
    "Bearer sbx_\u00ff",
    `Bearer ${"x".repeat(9000)}`,
  ],
  "idempotency-key": ["", '""', '"a', 'a"b', "x".repeat(256), '"\u00e9"', "\u0085", "a\tb"],
  "signalbox-instance": ["", "worker-0", "worker-1", "\u0085", "\u00ff", "x".repeat(129), "a,b"],
  "last-event-id": ["", "-1", "1.5", "abc", "0x1", "1e3", "9".repeat(15), "9".repeat(40), "0", "\u00b2"],
  "x-request-id": ["", "a b", "x".repeat(129), "\u00ff", "<script>", "ok-1"],
  "content-type": [
    ...["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "APPLICATION/JSON"],
    ...["application/json; charset=utf-16", "application/x-ndjson", "application/json,text/plain", "/", ";"],
  ],
  "content-encoding": ["gzip", "br", "nonsense"],
  "content-length": ["-1", "abc", "99999999999999999999"],
  "if-none-match": ["*", '"', "W/"],
  accept: ["", "nonsense", "text/html;q=2"],
  upgrade: ["websocket", "h2c"],
  "sec-websocket-protocol": [",,,", "signalbox.v1"],
  "x-forwarded-for": ["\u00ff".repeat(5000)],
  cookie: ["a=".repeat(4000)],
};

export const header: fc.Arbitrary<[name: string, value: string]> = fc
  .constantFrom(...Object.keys(HEADERS))
  .chain((name) => fc.tuple(fc.constant(name), fc.oneof(fc.constantFrom(...(HEADERS[name] ?? [])), latin1)));

/** Bytes that are no JSON text, or hardly. */
export const bytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc
    .constantFrom(
      [0xff],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xef, 0xbb, 0xbf, 0x7b, 0x7d],
      [0],
      [0xf4, 0x90, 0x80, 0x80],
    )
    .map((codes) => Uint8Array.from(codes)),
  fc.constantFrom("{}{}", "[]", "null", "{", '{"a":', "\n\n", "{}\n{}\n", "\ufeff{}", " ").map((t) => Buffer.from(t)),
);
