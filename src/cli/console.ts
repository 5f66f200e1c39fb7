import { PERSON_ROLES, type PersonRole } from "../protocol/people.ts";
import type { CliCommand } from "./commands.ts";
import { wholeNumber } from "./options.ts";

const GROUP = "The relay:";

interface ConsoleOptions {
  person?: string;
  role?: PersonRole;
  hours?: number;
  phone?: boolean;
  yes?: boolean;
}

/** The console in a browser: a link that signs it in. */
export function addConsoleCommand(program: CliCommand): void {
  program
    .sub("console", "Make a link that opens the console in a browser; it works once, for 10 minutes", GROUP)
    .option("--person <person>", "the person who signs in (default: the token's)")
    .choice("--role <role>", "what the browser may do (default: the person's role)", PERSON_ROLES)
    .option("--hours <n>", "how long the sign-in lasts (default: 168)", wholeNumber)
    .option("--phone", "say how a phone reaches the console, by Tailscale on this machine or a proxy")
    .option("--yes", "with --phone: let Tailscale serve the relay at once")
    .example("console", "console --person ada --hours 12", "console --phone --person ada")
    .act(async (context, options: ConsoleOptions) => {
      const { client, out } = context;
      const { person: personId, role, hours, phone = false, yes = false } = options;
      const makeLink = () => client.signIn.createLink({ personId, role, hours });
      if (phone) return (await import("./phone.ts")).showPhone(context, { yes, makeLink });
      const link = await makeLink();
      await out.show(
        link,
        () => `Open ${link.url}\n${out.paint("yellow", "It signs one browser in, once, within 10 minutes.")}`,
      );
    });
}
