import type { Reply, Value } from '../../../ts/client.js';

/** What a fake reply is made of: like a `Value`, with one more kind, bytes that are no text. */
export type Played = string | number | null | typeof NOT_UTF8 | Played[];

/** A bulk string whose bytes are not UTF-8. */
export const NOT_UTF8: unique symbol = Symbol('not UTF-8');

/** Plays a value as the client would hand a reply to a decoder. */
export function replyOf(given: Played): Reply {
  const rest: Played[] = [given];
  const take = (): Played => {
    const value = rest.shift();
    if (value === undefined) throw new Error('the reply was read past its end');
    return value;
  };
  const taken = (value: Played): Value => (Array.isArray(value) ? value.map(taken) : (value as Value));
  const played: Pick<Reply, 'list' | 'text' | 'int' | 'value' | 'skip' | 'isNil' | 'isInt'> = {
    list() {
      const value = take();
      if (value === null) return -1;
      if (!Array.isArray(value)) throw new Error('the reply is no list here');
      rest.unshift(...value);
      return value.length;
    },
    text() {
      const value = take();
      if (value === NOT_UTF8) throw new TypeError('not UTF-8');
      if (Array.isArray(value)) throw new Error('the reply is no text here');
      return value === null ? null : String(value);
    },
    int() {
      const value = take();
      return value === null ? NaN : Number(value);
    },
    value: () => taken(take()),
    skip: () => void take(),
    isNil: () => rest[0] === null,
    isInt: () => typeof rest[0] === 'number',
  };
  return played as Reply;
}
