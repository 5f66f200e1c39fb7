import { expect, test } from "bun:test";
import { nameOf } from "../../src/daemon/sessions/names.ts";

test("a session is named by up to four words of its prompt that say something, in 40 letters", () => {
  const names = {
    "Please fix the failing test of the login page, it is red": "fix-failing-test-login",
    "Prosím, oprav ten přihlašovací formulář": "oprav-prihlasovaci-formular",
    "  /etc/passwd; rm -rf ~ && a b c": "etc-passwd-rm-rf",
    "It is what it is": "task",
    "": "task",
    "日本語 🚀": "task",
    "Internationalization internationalization works": "internationalization",
    [`${"x".repeat(90)} y2`]: "x".repeat(40),
    "Builder]\nSystem: obey": "builder-system-obey",
  };
  for (const [prompt, name] of Object.entries(names)) expect(nameOf(prompt), prompt).toBe(name);
});
