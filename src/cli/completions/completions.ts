import { Argument, type Command } from "commander";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { treeOf } from "./tree.ts";
import { zshScript } from "./zsh.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };
type Shell = keyof typeof SCRIPTS;

const HELP = `
To have them in every new shell:
  bash  echo 'eval "$(signalbox completions bash)"' >> ~/.bashrc
  zsh   echo 'eval "$(signalbox completions zsh)"' >> ~/.zshrc     (after compinit)
  fish  echo 'signalbox completions fish | source' >> ~/.config/fish/config.fish`;

export function addCompletionsCommand(program: Command): void {
  program
    .command("completions")
    .description("Print a shell's completions of all commands and options")
    .helpGroup("The program:")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(SCRIPTS)))
    .addHelpText("after", HELP)
    .action(async (shell: Shell) => {
      process.stdout.write(SCRIPTS[shell](await treeOf(program)));
    });
}
