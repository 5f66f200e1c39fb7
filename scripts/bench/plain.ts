import { MessageDraft } from "../../src/protocol/messages.ts";
import { echoOf } from "./echoed.ts";

/** Bun's server with the schema of `POST /v1/messages` and nothing else: the least that checking and answering costs. */
let id = 0;
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const body = MessageDraft.parse(await request.json());
    id += 1;
    return Response.json(echoOf(id, body), { status: 201 });
  },
});

console.log(JSON.stringify({ url: `http://127.0.0.1:${server.port}` }));
process.on("SIGTERM", () => process.exit(0));
