import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serviceFileFor, writeService } from "../../src/cli/service-file.ts";

const home = mkdtempSync(join(tmpdir(), "service-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const COMMAND = ["/opt/signal box/bin", "orchestrator", "--config", '/home/a/50% "of" $HOME.json'];
const fileFor = (platform: NodeJS.Platform) =>
  serviceFileFor({ platform, home, searchPath: "/usr/bin:/opt/$x", command: COMMAND });

describe("the service of a daemon", () => {
  test("the service of a daemon is a user unit of systemd, whose words mean themselves", () => {
    const { path, text, next } = fileFor("linux");
    expect(path).toBe(join(home, ".config/systemd/user/signalbox-orchestrator.service"));
    expect(text).toContain(
      'ExecStart="/opt/signal box/bin" "orchestrator" "--config" "/home/a/50%% \\"of\\" $$HOME.json"\n',
    );
    expect(text).toContain('Environment="PATH=/usr/bin:/opt/$x"\n');
    expect(next[0]).toContain("systemctl --user enable --now signalbox-orchestrator");
  });

  test("the service of a daemon is an agent of launchd on a Mac, and refused where there is neither", () => {
    const { path, text } = fileFor("darwin");
    expect(path).toEndWith("Library/LaunchAgents/org.signalbox.orchestrator.plist");
    expect(text).toContain("<string>/home/a/50% &quot;of&quot; $HOME.json</string>");
    expect(() => fileFor("win32")).toThrow("systemd and launchd");
  });

  test("the service of a daemon is written again, and never over somebody else's file", () => {
    const file = fileFor("linux");
    writeService(file, false);
    writeService({ ...file, text: `${file.text}# again\n` }, false);
    expect(readFileSync(file.path, "utf8")).toEndWith("# again\n");
    writeFileSync(file.path, "[Unit]\n");
    expect(() => writeService(file, false)).toThrow("--force");
    writeService(file, true);
    expect(readFileSync(file.path, "utf8")).toBe(file.text);
  });
});
