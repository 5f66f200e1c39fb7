import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { digest } from "../../../src/edges/envelope/digest.ts";
import { openEnvelopes } from "../../../src/edges/envelope/envelope.ts";
import { tokensOf } from "../../../src/edges/envelope/tokens.ts";
import type { AnnouncementFacts } from "../../../src/protocol/announcements.ts";
import { anyText } from "../../support/any-text.ts";
import { HOSTILE, MARK } from "../../support/hostile.ts";

const FACTS: AnnouncementFacts = {
  ...{ announcementId: "ann_1", runId: "run_1", source: "spawn", agentId: "kid", sessionKey: "main" },
  ...{ task: "Check the parser for regressions.", label: "Parser check", status: "ok", statusText: null, late: false },
  ...{ result: { cut: false }, findings: [], findingsLeftOut: 0, instruction: "deliver" },
  stats: { runtimeSeconds: 312, inputTokens: 12, outputTokens: 1000, cacheTokens: 197_000, costUsd: 0.1 },
};

const letterWith = (facts: Partial<AnnouncementFacts> = {}, more: Record<string, unknown> = {}) => ({
  ...{ id: 7, from: "kid", to: "bob", kind: "announcement" as const, source: "agent" as const, topic: null },
  ...{ subject: null, body: "No regressions.", encoding: "plain" as const, threadId: 3, urgent: false },
  ...{ via: null, person: null },
  ...{ payload: { announcement: { ...FACTS, ...facts } }, createdAt: new Date(0).toISOString() },
  ...more,
});

const open = () => openEnvelopes({ reader: "bob", kindOf: () => "provider", now: 5000 });
const shown = (facts: Partial<AnnouncementFacts> = {}, more = {}, tokens = 2000) =>
  open().message(letterWith(facts, more), { tokens, withPayload: true }).text;

/** Lines that no fence holds. */
const outside = (text: string): string => text.replace(/^\| .*$/gm, "");

describe("an announcement as its reader's model gets it", () => {
  test("it names the task and the result as a peer's words, and the outcome, the figures and the next step as the relay's", () => {
    const lines = shown().split("\n");
    expect(lines[0]).toMatch(
      /^\[7 from kid \(agent, peer\); to you; announcement; thread 3; 5 s ago; fence [0-9a-f]{12}\]$/,
    );
    expect(lines.slice(1, 4)).toEqual(["| Task: Parser check", "| Session: main", "| No regressions."]);
    expect(lines[4]).toMatch(/^\[end [0-9a-f]{12}\]$/);
    expect(lines[5]).toBe(
      "Run run_1 completed successfully. Stats: runtime 5m12s • tokens 1.0k (in 12 / out 1.0k) • prompt/cache 197.0k",
    );
    expect(lines[6]).toStartWith("Action: The result is ready for your user.");
    expect(lines).toHaveLength(7);
  });

  test("each outcome has its words, and the error stays inside the fence", () => {
    for (const [status, words] of [
      ["error", "failed"],
      ["timeout", "timed out"],
      ["unknown", "finished with unknown status"],
    ] as const) {
      const text = shown({ status, statusText: `${MARK} exit 1` });
      expect(text).toContain(`Run run_1 ${words}.`);
      expect(text).toContain(`| Error: ${MARK} exit 1`);
      expect(outside(text)).not.toContain(MARK);
    }
  });

  test("figures are written for people, and missing ones are n/a", () => {
    const stats = (more: Partial<AnnouncementFacts["stats"]>) =>
      /Stats: .*/.exec(shown({ stats: { ...FACTS.stats, cacheTokens: 0, ...more } }))?.[0];
    expect(stats({ runtimeSeconds: null, inputTokens: 0, outputTokens: 0 })).toBe(
      "Stats: runtime n/a • tokens 0 (in 0 / out 0)",
    );
    expect(stats({ runtimeSeconds: 3725, inputTokens: 999, outputTokens: 2_500_000 })).toBe(
      "Stats: runtime 1h2m • tokens 2.5m (in 999 / out 2.5m)",
    );
    expect(stats({ runtimeSeconds: 59 })).toStartWith("Stats: runtime 59s");
  });

  test("an orchestrating reader is asked for an update, and only where silence is fine is it offered", () => {
    expect(shown({ instruction: "update" })).toContain("Action: Turn it into a short update for your own requester.");
    expect(shown({ instruction: "quiet" })).toContain("reply only NO_REPLY");
    expect(shown({ instruction: "deliver" })).not.toContain("NO_REPLY");
  });

  test("a late result, and a cut one with its file, are told", () => {
    const text = shown({ late: true, result: { cut: true, fileId: "fil_abc" } });
    expect(text).toContain(
      "It came late: the run had been given up. The result is cut; the whole is kept as file fil_abc.",
    );
    expect(shown({ result: { cut: true, fileId: `x ${MARK}` } })).not.toContain(MARK);
  });

  test("findings stand behind the result, and the number of those left out is said", () => {
    const found = { runId: "run_2", agentId: "kid2", label: null, task: "Count the tests." };
    const findings = [
      { ...found, status: "error" as const, statusText: "no tests", result: { text: "None.", cut: true } },
    ];
    expect(shown({ findings, findingsLeftOut: 4 })).toContain(
      "| No regressions.\n| \n| Results of the runs that it asked for:\n| 1. Count the tests.\n| status: error: no tests\n" +
        "| None. (cut)\n| 4 more are not shown.\n",
    );
  });

  test("an encrypted result is not shown, its outcome is", () => {
    const text = shown({ task: null, label: null }, { encoding: "opaque", body: MARK });
    expect(text).toContain("; encrypted by the clients]\nRun run_1 completed successfully.");
    expect(text).not.toContain(MARK);
  });

  test("a long result says where its rest begins, and the outcome is told with each part", () => {
    const letter = letterWith({}, { body: "word ".repeat(2000) });
    const first = open().message(letter, { tokens: 400 });
    expect(first.text).toMatch(/\[end [0-9a-f]{12}; cut, \d+ characters more from offset \d+\]\nRun run_1 completed/);
    const second = open().message(letter, { tokens: 400, offset: first.next ?? 0 });
    expect(second.text).not.toContain("Task:");
    expect(second.text).toContain("Action: ");
  });

  test("a message of another kind that carries the same facts is an ordinary message", () => {
    const text = shown({}, { kind: "chat" });
    expect(text).not.toMatch(/^(Action|Run )/m);
    expect(text).toContain('| data: {"announcement":');
  });
});

describe("hostile texts in an announcement", () => {
  const words = fc.oneof(anyText(300), fc.constantFrom(...HOSTILE.map(([, text]) => text.slice(0, 3000))));
  const finding = fc.record({
    ...{ runId: words, agentId: words, label: fc.option(words), task: fc.option(words), statusText: fc.option(words) },
    status: fc.constantFrom("ok" as const, "error" as const),
    result: fc.record({ text: words, cut: fc.boolean() }),
  });
  const facts = fc.record({
    ...{ label: fc.option(words), task: fc.option(words), statusText: fc.option(words), runId: words },
    result: fc.record({ cut: fc.boolean(), fileId: words }),
    findings: fc.array(finding, { maxLength: 3 }),
    instruction: fc.constantFrom("deliver" as const, "update" as const, "quiet" as const),
  });

  test("nothing that others wrote leaves the fence, and the envelope keeps to its budget, whatever comes", () => {
    fc.assert(
      fc.property(facts, words, fc.integer({ min: 120, max: 2000 }), (some, body, tokens) => {
        const text = shown(some, { body, subject: body }, tokens);
        expect(tokensOf(text)).toBeLessThanOrEqual(tokens);
        const left = outside(text).split("\n").filter(Boolean);
        expect(left[0]).toStartWith("[7 from kid");
        expect(left[1]).toStartWith("[end ");
        for (const line of left.slice(2)) expect(line).toMatch(/^(Run run_1 |A run |Action: )/);
        expect(outside(text)).not.toContain(MARK);
      }),
      { numRuns: 300 },
    );
  });

  test("a digest with announcements counts every message once and keeps to its budget, whatever comes", () => {
    const letter = fc.record({ some: facts, body: words, ms: fc.integer({ min: 0, max: 1500 }), isTalk: fc.boolean() });
    fc.assert(
      fc.property(fc.array(letter, { maxLength: 20 }), fc.integer({ min: 220, max: 3000 }), (list, tokens) => {
        let at = 0;
        const letters = list.map(({ some, body, ms, isTalk }, index) => {
          at += ms;
          const kind = isTalk ? "chat" : "announcement";
          return letterWith(some, { id: index + 1, body, kind, createdAt: new Date(at).toISOString() });
        });
        const { text, shown, folded, leftOut, ack } = digest(letters, open(), tokens);
        expect(tokensOf(text)).toBeLessThanOrEqual(tokens);
        expect(shown.length + folded.reduce((sum, { messages }) => sum + messages, 0) + leftOut).toBe(letters.length);
        if (letters.length) expect(shown.length).toBeGreaterThan(0);
        for (let id = 1; id <= (ack ?? 0); id++) expect(shown).toContain(id);
        expect(outside(text)).not.toContain(MARK);
      }),
      { numRuns: 200 },
    );
  });
});

describe("results that came within a second", () => {
  const at = (ms: number, id: number, body = `Result ${id}.`) =>
    letterWith({}, { id, body, createdAt: new Date(ms).toISOString() });

  test("they are shown together, with one instruction after the last", () => {
    const { text, shown } = digest([at(0, 1), at(900, 2), at(1800, 3), at(4000, 4)], open(), 2000);
    expect(shown).toEqual([1, 2, 3, 4]);
    expect(text).toContain("3 results came together:");
    expect(text.match(/^Action: /gm)).toHaveLength(2);
    expect(text.indexOf("| Result 3.")).toBeLessThan(text.indexOf("Action: "));
    expect(text.indexOf("Action: ")).toBeLessThan(text.indexOf("| Result 4."));
  });

  test("those without room stay unread, and the digest says so", () => {
    const letters = Array.from({ length: 12 }, (_, n) => at(n * 10, n + 1, "word ".repeat(200)));
    const { text, shown, folded, ack } = digest(letters, open(), 700);
    expect(shown.length).toBeGreaterThan(1);
    expect(shown.length).toBeLessThan(12);
    expect(text).toContain(`${12 - shown.length} of these results did not fit; they stay unread.`);
    expect(folded[0]?.messages).toBe(12 - shown.length);
    expect(ack).toBe(shown.length);
  });
});
