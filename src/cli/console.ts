import { PERSON_ROLES, type PersonRole } from "../protocol/people.ts";
import type { CliCommand } from "./commands.ts";
import { wholeNumber } from "./options.ts";

const GROUP = "The relay:";

/** The console in a browser: a link that signs it in. */
export function addConsoleCommand(program: CliCommand): void {
  program
    .sub("console", "Make a link that opens the console in a browser; it works once, for 10 minutes", GROUP)
    .option("--person <person>", "the person who signs in (default: the token's)")
    .choice("--role <role>", "what the browser may do (default: the person's role)", PERSON_ROLES)
    .option("--hours <n>", "how long the sign-in lasts (default: 168)", wholeNumber)
    .example("console", "console --person ada --hours 12")
    .act(async ({ client, out }, options: { person?: string; role?: PersonRole; hours?: number }) => {
      const { person: personId, role, hours } = options;
      const link = await client.signIn.createLink({ personId, role, hours });
      await out.show(
        link,
        () => `Open ${link.url}\n${out.paint("yellow", "It signs one browser in, once, within 10 minutes.")}`,
      );
    });
}
