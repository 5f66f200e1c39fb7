import { expect, test } from "bun:test";
import { AGENT, startDaemon, type TestDaemon, until } from "../support/daemon.ts";
import type { FakeTurn } from "../support/providers/fake-turn.ts";

/** An agent that answers with what the text names. */
const script = (turn: FakeTurn): void => {
  if (turn.text.includes("half")) turn.finish("The answer is\0 42 \ud83d");
  else if (turn.text.includes("letter")) turn.finish("é".repeat(150 * 1024));
  else if (turn.text.includes("bells")) turn.finish("\u0007".repeat(400 * 1024));
  else if (turn.text.includes("book")) turn.finish("w".repeat(3 * 1024 * 1024));
  else if (turn.text.includes("failure")) turn.fail("ü".repeat(4000));
  else if (turn.text.includes("unknown")) turn.fail("Broken.", "no code of the relay" as never);
  else turn.finish("Here.");
};

/** The answer to a message, with the length of each file that came with it. */
async function answerTo(world: TestDaemon, text: string) {
  const id = await world.say(text);
  await until(async () => (await world.answers()).some(({ replyTo }) => replyTo === id));
  await until(async () => (await world.run(id)).status === "ended");
  const found = (await world.answers()).find(({ replyTo }) => replyTo === id) as { body: string; payload?: Payload };
  const { files = [] } = found.payload ?? {};
  const lengths = files.map(async ({ fileId }) => {
    const { body } = await world.relay.ask("GET", `/v1/files/${fileId}`);
    return body.length;
  });
  return { body: found.body, run: await world.run(id), files: await Promise.all(lengths) };
}
type Payload = { files?: { fileId: string }[] };

test("G8: an answer that is too long for a message comes cut, and whole as a file", async () => {
  const world = await startDaemon({ provider: { script } });
  const letter = await answerTo(world, "Write a letter.");
  expect(letter.body).toEndWith("é\n\n[Cut: the whole is the file answer.md]");
  expect([letter.run.outcome, letter.files]).toEqual(["ok", [150 * 1024]]);
  const bells = await answerTo(world, "Ring the bells.");
  expect(bells.body).toEndWith("\u0007\n\n[Cut: the whole is the file answer.md]");
  expect([bells.run.outcome, bells.files]).toEqual(["ok", [400 * 1024]]);
  const book = await answerTo(world, "Write a book, too large for a file.");
  expect(book.body).toEndWith(`w\n\n[Cut: the whole has ${3 * 1024 * 1024} bytes]`);
  expect(book.run.outcome).toBe("ok");
});

test("G8: an answer with half a character comes without it, and later messages are answered", async () => {
  const world = await startDaemon({ provider: { script } });
  for (const text of ["half", "half a word", "half a line"])
    expect(await answerTo(world, text)).toMatchObject({ body: "The answer is 42 \ufffd", run: { outcome: "ok" } });
  for (const text of ["one", "two"]) expect((await answerTo(world, text)).body).toBe("Here.");
});

test("G8: whoever asked hears of an answer that the relay does not take, and the run has ended", async () => {
  const world = await startDaemon({ provider: { script } });
  const eve = await world.relay.agent("eve");
  const by = { token: eve.token };
  const { ask } = world.relay;
  const ended = async (text: string) => {
    const { body } = await ask("POST", "/v1/delegations", { to: AGENT, text }, by);
    const read = async () => (await ask("GET", `/v1/delegations/${body.id}`, undefined, by)).body;
    await until(async () => (await read()).answer !== null);
    return read();
  };
  expect(await ended("half")).toMatchObject({ status: "answered", answer: { text: "The answer is 42 \ufffd" } });
  expect((await ended("book")).status).toBe("answered");
  expect((await ended("failure")).answer.error).toStartWith("üüü");
  const unknown = await ended("unknown");
  expect(unknown.status).toBe("failed");
  expect(unknown.answer.error).toStartWith("The answer could not be delivered: ");
  const { body } = await ask("GET", "/v1/runs?status=running");
  expect(body.items).toEqual([]);
});
