import type { Message, PaidMedia, PhotoSize } from "grammy/types";
import type { IncomingFile } from "../contract.ts";
import { mediaOf } from "./rich.ts";

/** Fetches a file by the id that Telegram gave it. */
export type FetchFile = (fileId: string, signal: AbortSignal) => Promise<Blob>;

interface TelegramFile {
  file_id: string;
  file_unique_id: string;
  file_name?: string;
  mime_type?: string;
}

/** Fields of a message that hold files. */
type Media = Partial<Message>;

/** Every file of a message, nested ones included. */
export function filesOf(message: Media, fetchFile: FetchFile): IncomingFile[] {
  const paid = (message.paid_media?.paid_media ?? []).map(mediaOfPaid);
  const rich = mediaOf(message.rich_message?.blocks ?? []);
  const inPoll = [message.poll?.media, message.poll?.explanation_media].filter((media) => media !== undefined);
  const all = [message, ...paid, ...rich, ...(inPoll as Media[])].flatMap(ownFiles);
  return all.map(([file, ending, type]) => ({
    name: file.file_name ?? `${file.file_unique_id}.${ending}`,
    type: file.mime_type ?? type,
    fetch: (signal) => fetchFile(file.file_id, signal),
  }));
}

function ownFiles(message: Media): [TelegramFile, string, string][] {
  const found: [TelegramFile | undefined, string, string][] = [
    [largest(message.photo ?? message.live_photo?.photo), "jpg", "image/jpeg"],
    [message.live_photo, "mp4", "video/mp4"],
    // Telegram repeats an animation as a document.
    [message.animation ? undefined : message.document, "bin", ""],
    [message.animation, "mp4", "video/mp4"],
    [message.audio, "mp3", "audio/mpeg"],
    [message.voice, "ogg", "audio/ogg"],
    [message.video, "mp4", "video/mp4"],
    [message.video_note, "mp4", "video/mp4"],
    [message.sticker, ...stickerType(message.sticker)],
  ];
  return found.flatMap(([file, ending, type]) =>
    file ? [[file, ending, type] satisfies [TelegramFile, string, string]] : [],
  );
}

const largest = (sizes: PhotoSize[] | undefined): PhotoSize | undefined => sizes?.at(-1);

function stickerType(sticker: Message["sticker"]): [string, string] {
  if (sticker?.is_video) return ["webm", "video/webm"];
  return sticker?.is_animated ? ["tgs", "application/x-tgsticker"] : ["webp", "image/webp"];
}

/** Media of paid content: nothing to fetch before the payment. */
function mediaOfPaid(media: PaidMedia): Media {
  if (media.type === "photo") return { photo: media.photo };
  if (media.type === "video") return { video: media.video };
  return media.type === "live_photo" ? { live_photo: media.live_photo } : {};
}
