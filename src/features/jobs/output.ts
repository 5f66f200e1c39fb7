import { JOB_OUTPUT_BYTES as LIMIT } from "../../protocol/limits.ts";

const HALF = LIMIT / 2;

/** Output as it is kept. Of a long one beginning and end are kept: errors stand at the end. */
export function cutOutput(output: string): { output: string; cut: boolean } {
  const bytes = Buffer.from(output);
  if (bytes.length <= LIMIT) return { output, cut: false };
  const head = bytes.subarray(0, startOf(bytes, HALF));
  const tail = bytes.subarray(startOf(bytes, bytes.length - HALF + REMARK_BYTES));
  return { output: `${head}\n[cut: the output had ${bytes.length} bytes]\n${tail}`, cut: true };
}

/** Room for the remark, so that the whole stays within the limit. */
const REMARK_BYTES = 64;

/** First byte of the character that stands at a place. */
function startOf(bytes: Buffer, place: number): number {
  let at = place;
  while (((bytes[at] ?? 0) & 0xc0) === 0x80) at--;
  return at;
}
