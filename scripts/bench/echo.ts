import { Elysia } from "elysia";
import { MessageDraft } from "../../src/protocol/messages.ts";
import { echoOf } from "./echoed.ts";

/**
 * The ceiling of the framework: the route, the schema and an answer of the same shape as `POST /v1/messages`, with
 * nothing stored, nobody authenticated and nobody woken.
 */
let id = 0;
const app = new Elysia()
  .post(
    "/v1/messages",
    ({ body, set }) => {
      id += 1;
      set.status = 201;
      return echoOf(id, body);
    },
    { body: MessageDraft },
  )
  .listen({ hostname: "127.0.0.1", port: 0 });

console.log(JSON.stringify({ url: `http://127.0.0.1:${app.server?.port}` }));
process.on("SIGTERM", () => process.exit(0));
