import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { startRelay } from "./relay.ts";

/** A relay with `worker`, who gets the tasks of integrations, and ways to post events to them. */
export async function startWithSources(overrides: Parameters<typeof startRelay>[0] = {}) {
  const relay = await startRelay(overrides);
  const worker = await relay.agent("worker", { tags: ["ops"] });

  /** Makes an integration whose tasks are for `tag:ops`; answers its secret. */
  async function source(name: string, draft: Record<string, unknown> = {}): Promise<string> {
    const made = await relay.ask("PUT", `/v1/integrations/${name}`, { target: "tag:ops", ...draft });
    if (made.status !== 201) throw new Error(`making ${name}: ${JSON.stringify(made.body)}`);
    return made.body.secret;
  }

  /** Posts without a token, as a platform does. */
  async function deliver(name: string, body: unknown, headers: Record<string, string>) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const request = new Request(`http://localhost/v1/integrations/${name}/events`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: text,
    });
    const response = await relay.relay.app.handle(request);
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  /** Signed as Standard Webhooks says. */
  function signed(secret: string, body: unknown, id: string, at = relay.clock.now()): Record<string, string> {
    const webhook = secret.startsWith("whsec_") ? new Webhook(secret) : new Webhook(secret, { format: "raw" });
    const time = new Date(at);
    return {
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at / 1000)),
      "webhook-signature": webhook.sign(id, time, JSON.stringify(body)),
    };
  }

  const operator = { token: relay.relay.operatorToken };
  return {
    ...relay,
    ...{ worker, operator, source, deliver, signed },
    /** By an operator. */
    post: (name: string, body: unknown, headers: Record<string, string> = {}) =>
      relay.ask("POST", `/v1/integrations/${name}/events`, body, { headers }),
    task: async (id: string) => (await relay.ask("GET", `/v1/tasks/${id}`)).body,
    open: async () => (await relay.ask("GET", "/v1/agents/worker/inbox?claimable=open", undefined, worker)).body.items,
  };
}

export const hmac = (secret: string, body: unknown): string =>
  createHmac("sha256", secret).update(JSON.stringify(body)).digest("hex");
