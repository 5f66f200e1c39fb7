import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { EXIT, Stop } from "./exit.ts";

/** Name of the service of a daemon. */
const NAME = "signalbox-orchestrator";
const LABEL = "org.signalbox.orchestrator";
/** First line of a file that `install` has written: another is left alone. */
const MARK = "Written by signalbox orchestrator install.";
/** Time in which turns may end when the service is stopped. */
const STOP_SECONDS = 900;

/** File that starts a daemon with the session of its user, and the next steps. No secret is in it. */
export interface ServiceFile {
  path: string;
  text: string;
  next: string[];
}

interface Machine {
  platform: NodeJS.Platform;
  home: string;
  /** Search path in which the daemon finds the agent CLIs. */
  searchPath: string;
  command: readonly string[];
}

/** @throws Stop on a platform that has neither systemd nor launchd */
export function serviceFileFor(machine: Machine): ServiceFile {
  if (machine.platform === "linux") return unitOf(machine);
  if (machine.platform === "darwin") return plistOf(machine);
  throw new Stop(
    EXIT.usage,
    "Services are written for systemd and launchd. Start signalbox orchestrator by your own means.",
  );
}

/** A user unit: https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html */
function unitOf({ home, searchPath, command }: Machine): ServiceFile {
  return {
    path: join(home, ".config/systemd/user", `${NAME}.service`),
    text: [
      `# ${MARK}`,
      "[Unit]",
      "Description=Signalbox orchestrator: runs agents on this machine",
      ...["After=network-online.target", "", "[Service]"],
      `Environment=${quoted(`PATH=${searchPath}`).replaceAll("$$", "$")}`,
      `ExecStart=${command.map(quoted).join(" ")}`,
      // The daemon ends its agents by itself: nothing is killed beside it.
      ...["KillMode=mixed", `TimeoutStopSec=${STOP_SECONDS}`, "Restart=on-failure", "RestartSec=5"],
      ...["", "[Install]", "WantedBy=default.target", ""],
    ].join("\n"),
    next: [
      `systemctl --user daemon-reload && systemctl --user enable --now ${NAME}`,
      "loginctl enable-linger    # to run without a login",
      `journalctl --user -u ${NAME} -f`,
    ],
  };
}

/** One word of a unit: quoted, with the characters that systemd would expand. */
const quoted = (word: string): string =>
  `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;

/** An agent of launchd: see launchd.plist(5). */
function plistOf({ home, searchPath, command }: Machine): ServiceFile {
  const path = join(home, "Library/LaunchAgents", `${LABEL}.plist`);
  const log = join(home, "Library/Logs", `${NAME}.log`);
  const string = (text: string): string => `<string>${escaped(text)}</string>`;
  return {
    path,
    text: [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<!-- ${MARK} -->`,
      '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
      ...['<plist version="1.0"><dict>', `<key>Label</key>${string(LABEL)}`],
      `<key>ProgramArguments</key><array>${command.map(string).join("")}</array>`,
      `<key>EnvironmentVariables</key><dict><key>PATH</key>${string(searchPath)}</dict>`,
      "<key>RunAtLoad</key><true/>",
      "<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>",
      `<key>ExitTimeOut</key><integer>${STOP_SECONDS}</integer>`,
      `<key>StandardErrorPath</key>${string(log)}<key>StandardOutPath</key>${string(log)}`,
      ...["</dict></plist>", ""],
    ].join("\n"),
    next: [`launchctl bootstrap gui/$(id -u) ${path}`, `tail -f ${log}`],
  };
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Writes it, unless somebody else's file is there. @throws Stop then, without `force` */
export function writeService({ path, text }: ServiceFile, force: boolean): void {
  const before = textAt(path);
  if (before !== undefined && !before.includes(MARK) && !force)
    throw new Stop(EXIT.usage, `${path} is there, and was not written by this command. Look at it, then say --force.`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o644 });
}

function textAt(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
