import type { Client } from "../../client/client.ts";

/** The relay to connect to, and the token that authorizes the connection. */
export interface Relay {
  url: string;
  token?: string | undefined;
  /** Source of the token; without a token, how to give one. */
  tokenFrom: string;
  client: Client;
}
