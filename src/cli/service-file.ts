import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { quoted as shellWord } from "../harness/launcher.ts";
import { systemReason } from "../harness/system-errors.ts";
import { EXIT, Stop } from "./exit.ts";

/** Programs that start services with the session of a user. */
export const MANAGERS = ["systemd", "launchd"] as const;
export type Manager = (typeof MANAGERS)[number];

/** Name of the daemon's service, by systemd and by launchd. */
export const NAME = "signalbox-orchestrator";
export const LABEL = "org.signalbox.orchestrator";
/** First line of a file that `install` has written: another is left alone. */
const MARK = "Written by signalbox orchestrator install.";

/** File that starts a daemon with the session of its user, and the next steps. No secret is in it. */
export interface ServiceFile {
  path: string;
  text: string;
  next: string[];
}

interface Service {
  home: string;
  /** Environment of the daemon, without secrets. */
  variables: Readonly<Record<string, string>>;
  /** File with the rest of its environment. It may be absent. */
  secretsFile: string;
  /** Time that a stop may take. */
  stopSeconds: number;
  command: readonly string[];
}

const PATHS: Record<Manager, string> = {
  systemd: `.config/systemd/user/${NAME}.service`,
  launchd: `Library/LaunchAgents/${LABEL}.plist`,
};
export const servicePath = (manager: Manager, home: string): string => join(home, PATHS[manager]);

export const serviceFileFor = (manager: Manager, service: Service): ServiceFile =>
  manager === "systemd" ? unitOf(service) : plistOf(service);

/** A user unit: https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html */
function unitOf({ home, variables, secretsFile, stopSeconds, command }: Service): ServiceFile {
  return {
    path: servicePath("systemd", home),
    text: [
      `# ${MARK}`,
      ...["[Unit]", "Description=Signalbox orchestrator: runs agents on this machine", "", "[Service]"],
      ...Object.entries(variables).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
      // Scopes are made by the manager of the user, which is found there.
      'Environment="XDG_RUNTIME_DIR=%t"',
      `EnvironmentFile=-${secretsFile.replaceAll("%", "%%")}`,
      `ExecStart=${command.map((word) => quoted(word).replaceAll("$", "$$$$")).join(" ")}`,
      // The daemon ends its agents by itself: nothing is killed beside it.
      ...["KillMode=mixed", `TimeoutStopSec=${stopSeconds}`, "Restart=on-failure", "RestartSec=5"],
      ...["", "[Install]", "WantedBy=default.target", ""],
    ].join("\n"),
    next: [
      `systemctl --user daemon-reload && systemctl --user enable --now ${NAME}`,
      "loginctl enable-linger    # to run without a login",
      `journalctl --user -u ${NAME} -f`,
    ],
  };
}

/** One word of a unit: quoted, with the characters that systemd would expand everywhere. */
const quoted = (word: string): string =>
  `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("\n", "\\n")}"`;

/** launchd reads no file of variables: a shell does, and becomes the daemon. */
const WITH_FILE = ["/bin/sh", "-c", 'set -a; [ ! -r "$0" ] || . "$0"; exec "$@"'];

/** An agent of launchd: see launchd.plist(5). */
function plistOf({ home, variables, secretsFile, stopSeconds, command }: Service): ServiceFile {
  const path = servicePath("launchd", home);
  const log = join(home, "Library/Logs", `${NAME}.log`);
  const string = (text: string): string => `<string>${escaped(text)}</string>`;
  const pairs = Object.entries(variables).map(([name, value]) => `<key>${escaped(name)}</key>${string(value)}`);
  return {
    path,
    text: [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<!-- ${MARK} -->`,
      '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
      ...['<plist version="1.0"><dict>', `<key>Label</key>${string(LABEL)}`],
      `<key>ProgramArguments</key><array>${[...WITH_FILE, secretsFile, ...command].map(string).join("")}</array>`,
      `<key>EnvironmentVariables</key><dict>${pairs.join("")}</dict>`,
      "<key>RunAtLoad</key><true/>",
      "<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>",
      `<key>ExitTimeOut</key><integer>${stopSeconds}</integer>`,
      `<key>StandardErrorPath</key>${string(log)}<key>StandardOutPath</key>${string(log)}`,
      ...["</dict></plist>", ""],
    ].join("\n"),
    next: [`launchctl bootstrap gui/$(id -u) ${shellWord(path)}`, `tail -f ${shellWord(log)}`],
  };
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Writes it, unless somebody else's file is there. @throws Stop then, without `force` */
export function writeService({ path, text }: ServiceFile, force: boolean): void {
  if (!force) isOurs(path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o644 });
}

export const deleteService = (path: string): void => rmSync(path, { force: true });

/** Whether a service is there. @throws Stop when somebody else wrote it, or this user cannot read it */
export function isOurs(path: string): boolean {
  const text = textAt(path);
  if (text !== undefined && !text.includes(MARK))
    throw new Stop(EXIT.usage, `${path} is there, and was not written by this command. Look at it, then say --force.`);
  return text !== undefined;
}

/** Text of a file; undefined when it is absent. @throws Stop when this user cannot read it */
export function textAt(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new Stop(EXIT.usage, `${path} cannot be read: ${systemReason(error) ?? code}`);
  }
}
