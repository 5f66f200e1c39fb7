import { readFileSync } from "node:fs";

/** Settings by name, as a file has them: lines `NAME=value`, as systemd's EnvironmentFile and Docker's env_file take them. */
export interface ConfigFile {
  values: Record<string, string>;
  faults: string[];
}

const REASONS: Record<string, string> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is a file",
};

const LINE = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/;
const QUOTED = /^(["'])(.*)\1$/;

/** Reads the file that `--config` names. Nothing in it is run or replaced. */
export function readConfigFile(file: string): ConfigFile {
  const found: ConfigFile = { values: {}, faults: [] };
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    found.faults.push(`--config ${file} cannot be read: ${REASONS[code] ?? code}. Give another file`);
    return found;
  }
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, name = "", value = ""] = LINE.exec(line) ?? [];
    const place = `${file}, line ${index + 1}`;
    if (name === "") found.faults.push(`${place} has to be NAME=value`);
    else if (Object.hasOwn(found.values, name)) found.faults.push(`${place}: ${name} is there twice`);
    else found.values[name] = QUOTED.exec(value)?.[2] ?? value;
  }
  return found;
}
