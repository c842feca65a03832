/** Values of streams and keys as text: JSON, and strings bare. V8 writes and reads both, so that numbers are exact. */

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * The value that a text stands for: what JSON makes of it, else the text itself. Most texts are plain words, for which
 * the exception of `JSON.parse` would cost a hundred times the rest.
 */
export function fromText(text: string): unknown {
  switch (text.charCodeAt(0)) {
    case 0x22: // "
    case 0x5b: // [
    case 0x7b: // {
    case 0x20: // blanks, which JSON allows around anything
    case 0x09:
    case 0x0a:
    case 0x0d:
      return parsed(text);
    case 0x74: // t
      return text.startsWith('true') ? parsed(text) : text;
    case 0x66: // f
      return text.startsWith('false') ? parsed(text) : text;
    case 0x6e: // n
      return text.startsWith('null') ? parsed(text) : text;
    default:
      if (JSON_NUMBER.test(text)) return Number(text);
      return /^[-\d]/.test(text) && /\s$/.test(text) ? parsed(text) : text;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A string as it is stored: bare, or with `lossless` quoted where it would be read as something else. */
export function stringText(value: string, lossless: boolean): string {
  return lossless && fromText(value) !== value ? JSON.stringify(value) : value;
}

/** JSON of a value; the empty text where JSON has none. @throws TypeError for a cycle or a BigInt */
export function jsonText(value: unknown): string {
  return (JSON.stringify(value) as string | undefined) ?? '';
}

/** A key, id or number as an argument of a command: nothing is the empty text. */
export function argText(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}
