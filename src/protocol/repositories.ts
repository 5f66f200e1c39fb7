/** A repository as `host/owner/name`, whatever form its remote has; undefined for a folder or anything else. */
export function repositoryOf(remote: string): string | undefined {
  const scp = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/)(.+)$/.exec(remote);
  const found = /^[a-z]:\\/i.test(remote) ? undefined : scp ? [scp[1], scp[2]] : partsOf(remote);
  const [host, path] = found ?? [];
  const name = path?.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "");
  if (!host?.includes(".") || !name?.includes("/") || /\s/.test(name)) return undefined;
  return `${host.toLowerCase()}/${name}`;
}

function partsOf(remote: string): [host: string, path: string] | undefined {
  if (!/^(https?|ssh|git):\/\//.test(remote)) return undefined;
  const url = URL.parse(remote);
  return url ? [url.hostname, decodeURI(url.pathname)] : undefined;
}

/** A pull request as `host/owner/name#number`, from its page; undefined for any other address. */
export function pullOf(url: string): string | undefined {
  const at = URL.parse(url);
  const [, path, number] =
    /^\/(.+?)\/(?:pull|-\/merge_requests|pulls)\/(\d{1,12})(?:\/|$)/.exec(at?.pathname ?? "") ?? [];
  return at && path?.includes("/") ? `${at.hostname.toLowerCase()}/${path}#${number}` : undefined;
}

/** A branch as `host/owner/name@branch`. */
export const branchOf = (repository: string, branch: string): string => `${repository}@${branch}`;
