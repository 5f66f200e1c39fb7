import { createHmac } from "node:crypto";

/** Secret of a webhook, derived from the relay's key and the number of rotations: the database holds none. */
export function secretOf(key: string, webhookId: string, version: number): string {
  const bytes = createHmac("sha256", key).update(JSON.stringify(["webhook", webhookId, version]));
  return `whsec_${bytes.digest("base64")}`;
}

/** Headers of one attempt by Standard Webhooks: one signature for each valid secret. */
export function signed(id: string, at: number, body: string, secrets: readonly string[]): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const signatures = secrets.map((secret) => {
    const bytes = Buffer.from(secret.slice("whsec_".length), "base64");
    return `v1,${createHmac("sha256", bytes).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
