import { Elysia } from "elysia";
import { MessageDraft } from "../../src/protocol/messages.ts";

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
      return {
        id,
        from: body.from ?? null,
        to: body.to,
        kind: body.kind ?? "chat",
        topic: body.topic ?? null,
        subject: body.subject ?? null,
        body: body.body,
        encoding: body.encoding,
        threadId: id,
        replyTo: null,
        causedBy: null,
        rootId: id,
        hops: 0,
        claimable: body.claimable,
        urgent: body.urgent,
        route: null,
        payload: body.payload ?? null,
        meta: body.meta ?? null,
        idempotencyKey: body.idempotencyKey ?? null,
        via: null,
        expiresAt: null,
        createdAt: new Date().toISOString(),
        state: null,
        claim: null,
        matched: 1,
      };
    },
    { body: MessageDraft },
  )
  .listen({ hostname: "127.0.0.1", port: 0 });

console.log(JSON.stringify({ url: `http://127.0.0.1:${app.server?.port}` }));
process.on("SIGTERM", () => process.exit(0));
