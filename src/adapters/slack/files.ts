import type { WebClient } from "@slack/web-api";
import { z } from "zod";
import { PlatformFault } from "../contract.ts";
import { withinTime } from "../patience.ts";
import { asSlackFault } from "./faults.ts";

/** Used fields of a file in Slack's events and `files.info`. */
export const SlackFile = z.looseObject({
  id: z.string(),
  name: z.string().nullish(),
  title: z.string().nullish(),
  mimetype: z.string().nullish(),
  mode: z.string().nullish(),
  is_external: z.boolean().nullish(),
  external_type: z.string().nullish(),
  /** `check_file_info`: a file of Slack Connect, whose event holds only its id. */
  file_access: z.string().nullish(),
  url_private_download: z.string().nullish(),
  url_private: z.string().nullish(),
});
export type SlackFile = z.infer<typeof SlackFile>;

/** List of files, without invalid items. */
export const SlackFiles = z
  .array(z.unknown())
  .nullish()
  .catch(null)
  .transform((list) => (list ?? []).flatMap((one) => SlackFile.safeParse(one).data ?? []));

/** Slack keeps files on files.slack.com; older ones on slack.com and slack-files.com; GovSlack on the hosts of slack-gov.com. */
const FILE_HOSTS = /^(?:[a-z0-9-]+\.)*(?:slack\.com|slack-files\.com|slack-gov\.com)$/;
const FILE_SECONDS = 120;
/** Most redirects for a file. */
const MAX_HOPS = 3;
/** Modes of files that no longer exist. */
const GONE: Record<string, string> = {
  tombstone: "was deleted",
  hidden_by_limit: "is hidden by the limit of the workspace's plan",
};

/** Reads files. The bot token goes only to Slack's file hosts over https, and to the operator's API host. */
export function createSlackFiles(web: WebClient, botToken: string, apiUrl: string) {
  // The operator named the host of the Web API, which gets the token anyway.
  const api = URL.parse(apiUrl)?.origin;

  function isOurs(url: URL): boolean {
    if (url.username !== "" || url.password !== "") return false;
    if (url.origin === api) return true;
    return url.protocol === "https:" && url.port === "" && FILE_HOSTS.test(url.hostname);
  }

  /** @throws PlatformFault permanent, for an address that is not Slack's */
  function requireOurs(address: string, base?: URL): URL {
    const url = URL.parse(address, base?.href);
    if (url && isOurs(url)) return url;
    throw new PlatformFault("permanent", "elsewhere", `is not kept at Slack and was not fetched: ${shown(address)}`);
  }

  async function download(first: URL, signal: AbortSignal): Promise<Response> {
    const headers = { authorization: `Bearer ${botToken}` };
    let url = first;
    for (let hop = 0; hop <= MAX_HOPS; hop++) {
      const answer = await fetch(url, { headers, signal, redirect: "manual" });
      const to = answer.headers.get("location");
      if (answer.status < 300 || answer.status > 399 || to === null) return answer;
      url = requireOurs(to, url);
    }
    throw new PlatformFault("permanent", "no-file", "Slack redirected too often for a file");
  }

  /** Facts of the event, or of `files.info` where the event has none. @throws PlatformFault */
  async function described(file: SlackFile): Promise<SlackFile> {
    if (file.file_access !== "check_file_info") return file;
    const answer = await web.files.info({ file: file.id }).catch(asSlackFault);
    const found = SlackFile.safeParse(answer.file);
    if (found.success) return found.data;
    throw new PlatformFault("permanent", "no-file", "Slack gives no facts about this file");
  }

  /**
   * Fetches a file with its name and type. Slack answers a request without permission with a login page.
   * @throws PlatformFault whose message replaces the file in the text
   */
  return async function fetchFile(given: SlackFile, signal: AbortSignal): Promise<File> {
    const file = await described(given);
    const gone = GONE[file.mode ?? ""];
    if (gone) throw new PlatformFault("permanent", "no-file", gone);
    const address = file.url_private_download ?? file.url_private;
    if (!address) throw new PlatformFault("permanent", "no-file", "Slack does not give this file out");
    const url = requireOurs(address);
    const bytes = await withinTime(FILE_SECONDS, signal, async (within) => {
      const answer = await download(url, within);
      const type = answer.headers.get("content-type") ?? "";
      if (answer.ok && !(type.startsWith("text/html") && file.mimetype !== "text/html")) return answer.blob();
      const failure = answer.status >= 500 ? "transient" : "permanent";
      throw new PlatformFault(failure, "no-file", `Slack answered HTTP ${answer.status} (${type}) for a file`);
    }).catch(asSlackFault);
    return new File([bytes], nameOf(file), { type: file.mimetype ?? bytes.type });
  };
}

export const nameOf = ({ id, name, title }: SlackFile): string => name || title || id;

/** Address at a length that fits into a chat's text. */
const shown = (address: string): string => address.slice(0, 500);
