import { describe, expect, it } from 'vitest';

import { Reply } from '../../ts/reply.js';

const TEXT = 0;
const NIL = 1;

/** A reply that holds texts, and nil where one is null. */
function replyOf(...values: Array<string | null>): Reply {
  const tokens: number[] = [];
  let source = '';
  for (const value of values) {
    if (value === null) tokens.push(NIL, 0, 0);
    else {
      tokens.push(TEXT, source.length, source.length + value.length);
      source += value;
    }
  }
  const reply = new Reply();
  reply.begin(source, Int32Array.from(tokens), 0);
  return reply;
}

describe('a whole number', () => {
  it.each(['0', '7', '007', '1790000000000', '999999999999999'])('is read from %j', (text) => {
    const reply = replyOf(text, 'next');
    expect(reply.whole()).toBe(Number(text));
    expect(reply.text()).toBe('next');
  });

  it.each(['', '-1', '+1', '1.5', '1e3', ' 1', '1 ', '0x1', '１', 'a', '1000000000000000', '9007199254740993', null])(
    'is not read from %j, which stays where it is',
    (text) => {
      const reply = replyOf(text, 'next');
      expect(reply.whole()).toBeUndefined();
      expect(reply.text()).toBe(text);
      expect(reply.text()).toBe('next');
    },
  );
});

describe('a text that was expected', () => {
  it('is given back as what it is compared with, and any other as it is', () => {
    const reply = replyOf('status', 'state', 'status');
    expect(reply.textLike('status')).toBe('status');
    expect(reply.textLike('status')).toBe('state');
    expect(reply.textLike(undefined)).toBe('status');
  });
});
