import { expect, test } from "bun:test";
import { createSse } from "../../../src/kernel/http/sse.ts";
import { Follower, type Sink } from "../../../src/kernel/log/follower.ts";
import { createLog } from "../../../src/kernel/log/log.ts";
import { frameOf } from "../../../src/kernel/log/outlet.ts";
import type { Entry } from "../../../src/kernel/log/tail.ts";
import { turns } from "../../support/until.ts";

interface Letter extends Entry {
  from: string;
}

interface Step extends Entry {
  attempt: number;
}

const letter = (id: number, key: string, from: string): Letter => ({
  ...{ id, key, from, event: "letter", expiresAt: null, json: `{"id":${id},"from":"${from}"}` },
});

const step = (id: number, key: string, attempt: number): Step => ({
  ...{ id, key, attempt, event: "step", expiresAt: null, json: `{"id":${id},"attempt":${attempt}}` },
});

/** A log whose stored part is an array, and a way to follow one key of it. */
function createStored<E extends Entry>() {
  const log = createLog<E>(0);
  const stored: E[] = [];
  return {
    log,
    append(entry: E): void {
      stored.push(entry);
      log.publish([entry]);
    },
    follow(key: string, wants: (entry: E) => boolean, sink: Sink<E>): Follower<E> {
      const isWanted = (entry: E) => entry.key === key && wants(entry);
      const source = {
        keys: () => [key],
        wants: isWanted,
        page: async (after: number) => ({
          entries: stored.filter((entry) => entry.id > after && isWanted(entry)),
          upTo: stored.at(-1)?.id ?? 0,
        }),
        reload: async () => undefined,
      };
      return new Follower(log, source, sink, 0, () => 0);
    },
  };
}

function createSink<E extends Entry>() {
  const got: E[] = [];
  const sink: Sink<E> = {
    ready: () => true,
    deliver: (entries) => got.push(...entries),
    reset: () => undefined,
    fail: (error) => {
      throw error;
    },
  };
  return { got, sink };
}

test("Two logs with entries of their own are followed side by side, each with its own places and keys", async () => {
  const letters = createStored<Letter>();
  const steps = createStored<Step>();
  const [read, watched] = [createSink<Letter>(), createSink<Step>()];
  // Both logs have a key of the same name, and stored entries from before the followers came.
  letters.append(letter(1, "builder", "lead"));
  steps.append(step(1, "builder", 1));
  steps.append(step(2, "builder", 2));
  const reader = letters.follow("builder", ({ from }) => from !== "spam", read.sink);
  const watcher = steps.follow("builder", ({ attempt }) => attempt > 1, watched.sink);
  reader.run();
  watcher.run();
  await turns();
  letters.append(letter(5, "builder", "spam"));
  letters.append(letter(6, "builder", "lead"));
  for (let id = 3; id <= 5; id++) steps.append(step(id, id === 4 ? "other" : "builder", id));
  letters.log.runWoken();
  expect(read.got.map(({ id, from }) => [id, from])).toEqual([
    [1, "lead"],
    [6, "lead"],
  ]);
  expect(watched.got.map(({ id }) => id)).toEqual([2]);
  steps.log.runWoken();
  expect(watched.got.map(({ id, attempt }) => [id, attempt])).toEqual([
    [2, 2],
    [3, 3],
    [5, 5],
  ]);
  expect([letters.log.head(), steps.log.head()]).toEqual([6, 5]);
  expect([reader.position, watcher.position]).toEqual([6, 5]);
});

test("An entry goes out under the event name of its log, on a stream and on a socket", async () => {
  const { outlet, response } = createSse({ headers: {}, peer: () => undefined });
  outlet.entries([letter(1, "builder", "lead"), step(7, "run", 2)]);
  outlet.close();
  const text = await response.text();
  expect(text).toContain('id: 1\nevent: letter\ndata: {"id":1,"from":"lead"}\n\n');
  expect(text).toContain('id: 7\nevent: step\ndata: {"id":7,"attempt":2}\n\n');
  expect(frameOf(step(7, "run", 2))).toBe('{"type":"step","step":{"id":7,"attempt":2}}');
});
