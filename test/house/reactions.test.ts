import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import pino from "pino";
import { createAreas } from "../../src/areas.ts";
import { readConfig } from "../../src/config.ts";
import { subscribe } from "../../src/reactions.ts";
import { createManualClock } from "../support/clock.ts";
import { tempFolder } from "../support/relay.ts";

const SOURCE = join(import.meta.dir, "../../src/reactions.ts");

/** Subscriptions as the file writes them, in order: hook, phase, and each reaction with its area. */
async function written(): Promise<string[]> {
  const text = await Bun.file(SOURCE).text();
  return [...text.matchAll(/^\s+([\w.]+)\.(inTx|afterCommit|answeredBy)\(([^)]+)\);/gm)].map(
    ([, hook, phase, reactions = ""]) =>
      `${hook} ${phase}: ${reactions
        .split(",")
        .map((one) => one.trim())
        .filter(Boolean)
        .join(", ")}`,
  );
}

/** Subscriptions as a relay makes them. Those of the kernel among its own parts come first. */
async function made() {
  const config = readConfig({ SIGNALBOX_DATA_DIR: tempFolder() });
  const areas = await createAreas(config, createManualClock(), pino({ level: "silent" }));
  const own = areas.kernel.hooks.list().length;
  subscribe(areas);
  const list = areas.kernel.hooks.list().slice(own);
  await areas.kernel.db.close();
  return list;
}

describe("reactions", () => {
  test("reactions run in this order", async () => {
    expect(await written()).toMatchSnapshot();
  });

  test("reactions are subscribed as the file says, each by its name", async () => {
    const [list, lines] = [await made(), await written()];
    expect(list.length).toBe(lines.length);
    expect(list.flatMap(({ names }) => names).filter((name) => name === "")).toEqual([]);
    for (const [index, { phase, names }] of list.entries()) {
      expect(lines[index]).toContain(` ${phase}: `);
      expect(lines[index]?.split(": ")[1]?.split(", ").length).toBe(names.length);
    }
  });

  test("reactions are subscribed in one file, and none after that", async () => {
    const config = readConfig({ SIGNALBOX_DATA_DIR: tempFolder() });
    const { kernel } = await createAreas(config, createManualClock(), pino({ level: "silent" }));
    const event = kernel.hooks.event<[]>("test");
    kernel.hooks.seal();
    expect(() => event.inTx(async () => undefined)).toThrow("sealed");
    await kernel.db.close();
  });
});
