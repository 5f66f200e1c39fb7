import { createHmac } from "node:crypto";

/**
 * The secret of a webhook. Derived, so that the database holds none: from the relay's own key, which is in a file of its own,
 * and the count of its rotations.
 */
export function secretOf(key: string, webhookId: string, version: number): string {
  const bytes = createHmac("sha256", key).update(JSON.stringify(["webhook", webhookId, version]));
  return `whsec_${bytes.digest("base64")}`;
}

/** The headers of one attempt, as Standard Webhooks has them: one signature for each secret that is good. */
export function signed(id: string, at: number, body: string, secrets: readonly string[]): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const signatures = secrets.map((secret) => {
    const bytes = Buffer.from(secret.slice("whsec_".length), "base64");
    return `v1,${createHmac("sha256", bytes).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
