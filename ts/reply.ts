/**
 * A reply, read front to back. Native code describes it as tokens that point into one string; see
 * `src/bridge/delivery.rs` for their layout. Nothing is built that the reader does not ask for.
 */

/** Any reply as plain values. */
export type Value = string | number | null | Value[];

/** Reads one reply, exactly once, while the settle call runs. */
export type Decode<T> = (reply: Reply) => T;

const TEXT = 0;
const NIL = 1;
const INT = 2;
const OK = 3;
const LIST = 4;
const DIGITS = 5;
const LOSSY = 6;

/** Stored bytes that are not UTF-8. The reply can be read on behind them. */
export class InvalidTextError extends Error {
  constructor() {
    super('a stored value is not valid UTF-8');
    this.name = 'InvalidTextError';
  }
}

/** The cursor. There is one for all replies: never keep it. */
export class Reply {
  private source = '';
  private tokens: Int32Array = new Int32Array(0);
  private at = 0;

  /** @internal */
  begin(source: string | undefined, tokens: Int32Array, at: number): void {
    this.source = source as string;
    this.tokens = tokens;
    this.at = at;
  }

  /** Begins a list and returns its length, or -1 when the value is nil. */
  list(): number {
    const { tokens, at } = this;
    this.at = at + 3;
    if (tokens[at] === LIST) return tokens[at + 1] as number;
    if (tokens[at] === NIL) return -1;
    throw new TypeError('the reply has another shape than expected: a list was due');
  }

  /** The next value as text; integers come as decimal text. Nil is null. */
  text(): string | null {
    const { tokens, at } = this;
    this.at = at + 3;
    switch (tokens[at]) {
      case TEXT:
      case DIGITS:
        return this.source.substring(tokens[at + 1] as number, tokens[at + 2] as number);
      case NIL:
        return null;
      case INT:
        return String(tokens[at + 1]);
      case OK:
        return 'OK';
      case LIST:
        throw new TypeError('the reply has another shape than expected: a text was due');
      default:
        throw new InvalidTextError();
    }
  }

  /** {@link text}, with U+FFFD for bytes that are not UTF-8, as clients in JavaScript read them. */
  lossyText(): string | null {
    const { tokens, at } = this;
    if (tokens[at] !== LOSSY) return this.text();
    this.at = at + 3;
    return this.source.substring(tokens[at + 1] as number, tokens[at + 2] as number);
  }

  /** {@link lossyText}, as `expected` itself where it is the same: a text read before is worth more than a new one. */
  textLike(expected: string | undefined): string | null {
    const { tokens, at, source } = this;
    const start = tokens[at + 1] as number;
    const same =
      expected !== undefined &&
      tokens[at] === TEXT &&
      (tokens[at + 2] as number) - start === expected.length &&
      source.startsWith(expected, start);
    if (!same) return this.lossyText();
    this.at = at + 3;
    return expected;
  }

  /** The next value as a number: an integer, or decimal text. NaN when nil. */
  int(): number {
    const { tokens, at } = this;
    if (tokens[at] === INT) {
      this.at = at + 3;
      return tokens[at + 1] as number;
    }
    const text = this.text();
    return text === null ? Number.NaN : Number(text);
  }

  /** The next value, where it is text of up to 15 decimal digits, as a number; else undefined, and it stays where it is. */
  whole(): number | undefined {
    const { source, tokens, at } = this;
    const start = tokens[at + 1] as number;
    const end = tokens[at + 2] as number;
    if (tokens[at] !== TEXT || end === start || end - start > 15) return undefined;
    let number = 0;
    for (let i = start; i < end; i++) {
      const digit = source.charCodeAt(i) - 0x30;
      if (digit < 0 || digit > 9) return undefined;
      number = number * 10 + digit;
    }
    this.at = at + 3;
    return number;
  }

  /** The next value, whatever its shape. */
  value(): Value {
    const { tokens, at } = this;
    switch (tokens[at]) {
      case LIST: {
        this.at = at + 3;
        const length = tokens[at + 1] as number;
        const items: Value[] = [];
        for (let i = 0; i < length; i++) items.push(this.value());
        return items;
      }
      case INT:
      case DIGITS:
        return this.int();
      default:
        return this.text();
    }
  }

  /** Drops the next value, however nested. */
  skip(): void {
    const { tokens } = this;
    let owed = 1;
    while (owed > 0) {
      owed += tokens[this.at] === LIST ? (tokens[this.at + 1] as number) - 1 : -1;
      this.at += 3;
    }
  }

  /** Takes the next value out: the function makes replies of it, which may be kept, unlike this one. */
  take(): () => Reply {
    const { source, tokens, at } = this;
    this.skip();
    const taken = tokens.slice(at, this.at);
    return () => {
      const reply = new Reply();
      reply.begin(source, taken, 0);
      return reply;
    };
  }

  /** Whether the next value is nil. It stays where it is. */
  isNil(): boolean {
    return this.tokens[this.at] === NIL;
  }

  /** Whether the next value is an integer. It stays where it is. */
  isInt(): boolean {
    const tag = this.tokens[this.at];
    return tag === INT || tag === DIGITS;
  }
}
