import { Argument } from "commander";
import { runAdapter } from "../adapters/adapter.ts";
import { type ChatSettings, createPlatform, PROVIDERS } from "../adapters/chats.ts";
import { PlatformFault } from "../adapters/contract.ts";
import type { AdapterEvent } from "../adapters/events.ts";
import { sentenceOf } from "../adapters/in-server.ts";
import type { CliCommand } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { chatEnvironment } from "./settings.ts";
import { untilStopped } from "./stopped.ts";

type RunOptions = { account?: string; name?: string; target?: string; chat?: string };

/** Adds `run` to the group `channel`. */
export function addChannelRun(channels: CliCommand): void {
  channels
    .sub("run", "Run the adapter of a chat account, until Ctrl-C")
    .addArgument(new Argument("<provider>", "the platform").choices(PROVIDERS))
    .option("--account <id>", "the second half of the channel's id (default: the platform's name of the account)")
    .option("--name <name>", "the channel's name, for people and @name")
    .option("--target <target>", "the target of its conversations when the channel is new")
    .option("--chat <id>", "the conversation for messages that name none")
    .addHelpText("after", HELP)
    .act(run);
}

const HELP = `
The account's secrets come from the environment alone: SIGNALBOX_TELEGRAM_TOKEN for telegram,
SIGNALBOX_SLACK_APP_TOKEN (xapp-...) and SIGNALBOX_SLACK_BOT_TOKEN (xoxb-...) for slack. A second process
for the same account waits until the first has ended.

Example:
  $ SIGNALBOX_TELEGRAM_TOKEN=$(cat telegram.token) signalbox channel run telegram --target helper`;

async function run({ settings, out }: Context, provider: ChatSettings["provider"], options: RunOptions): Promise<void> {
  const { account: accountId, name: displayName, target, chat } = options;
  const platform = await createPlatform(secretsOf(provider));
  const { url, token } = settings;
  const relay = { url, token };
  const home = chat === undefined ? undefined : { conversationId: chat };
  const about = { accountId, displayName, target, home };
  try {
    await runAdapter({ ...about, platform, relay, signal: untilStopped(), onEvent: (event) => print(event, out) });
  } catch (error) {
    if (error instanceof PlatformFault) throw new Stop(EXIT.problem, error.message);
    throw error;
  }
}

function secretsOf(provider: ChatSettings["provider"]): ChatSettings {
  const { telegramToken, telegramApiUrl, slackAppToken, slackBotToken, slackApiUrl } = chatEnvironment();
  if (provider === "telegram") {
    if (!telegramToken)
      throw new Stop(EXIT.usage, "Set SIGNALBOX_TELEGRAM_TOKEN to the bot's token, which @BotFather gives");
    return { provider, token: telegramToken, apiUrl: telegramApiUrl };
  }
  if (!slackAppToken || !slackBotToken)
    throw new Stop(EXIT.usage, "Set SIGNALBOX_SLACK_APP_TOKEN (xapp-...) and SIGNALBOX_SLACK_BOT_TOKEN (xoxb-...)");
  return { provider, appToken: slackAppToken, botToken: slackBotToken, apiUrl: slackApiUrl };
}

function print(event: AdapterEvent, out: Output): void {
  if (!out.json) {
    out.note(safeLine(sentenceOf(event)));
    return;
  }
  const shown = "cause" in event ? { ...event, cause: String(event.cause) } : event;
  // The write fails when stdout is closed, which stops the program anyway.
  out.item(shown, () => "").catch(() => undefined);
}
