/** One file of a tar archive. */
export interface TarFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

const BLOCK = 512;

/**
 * Return the files of a tar (ustar, with GNU's and pax' long names), in its order.
 *
 * What is no tar, or breaks off, gives the files up to there.
 */
export function readTar(buffer: ArrayBuffer): TarFile[] {
  const found: TarFile[] = [];
  let longName: string | null = null;
  for (let place = 0; place + BLOCK <= buffer.byteLength; ) {
    const header = new Uint8Array(buffer, place, BLOCK);
    const size = Number.parseInt(text(header, 124, 12).trim() || "0", 8);
    if (!header[0] || Number.isNaN(size) || place + BLOCK + size > buffer.byteLength) break;
    const content = new Uint8Array(buffer, place + BLOCK, size);
    const kind = String.fromCharCode(header[156] ?? 0);
    if (kind === "L") longName = text(content, 0, size);
    else if (kind === "x") longName = paxPath(content) ?? longName;
    else {
      if (kind === "0" || kind === "\0")
        found.push({ name: longName ?? nameIn(header), bytes: content });
      longName = null;
    }
    place += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return found;
}

function nameIn(header: Uint8Array): string {
  const isUstar = text(header, 257, 6).startsWith("ustar");
  const prefix = isUstar ? text(header, 345, 155) : "";
  const name = text(header, 0, 100);
  return prefix ? `${prefix}/${name}` : name;
}

/** The bytes up to the first NUL, as text. */
function text(bytes: Uint8Array, from: number, length: number): string {
  const field = bytes.subarray(from, from + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** The `path` of a pax header, whose records are `<length> <name>=<value>\n`. */
function paxPath(content: Uint8Array): string | null {
  return /(?:^|\n)\d+ path=(.*)\n/.exec(new TextDecoder().decode(content))?.[1] ?? null;
}
