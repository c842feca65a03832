import { describe, expect, it } from 'vitest';

import { nvent } from '../../support/nvent.js';

const on = nvent();

describe('values', () => {
  it.each<[unknown, string, unknown]>([
    ['text', 'text', 'text'],
    ['123', '123', 123],
    ['true', 'true', true],
    ['null', 'null', null],
    ['"q"', '"q"', 'q'],
    ['007', '007', '007'],
    ['1e400', '1e400', Number.POSITIVE_INFINITY],
    ['', '', null],
    [0, '0', 0],
    [false, 'false', false],
    [Number.NaN, 'null', null],
    [undefined, '', null],
    [
      { a: [1, null], d: new Date(0) },
      '{"a":[1,null],"d":"1970-01-01T00:00:00.000Z"}',
      { a: [1, null], d: '1970-01-01T00:00:00.000Z' },
    ],
    [new Map([[1, 2]]), '{}', {}],
    [['é😀', '\ud800'], '["é😀","\\ud800"]', ['é😀', '\ud800']],
  ])('%j is stored as %s', async (value, text, back) => {
    await on.store.kv.set('value', value);
    expect(await on.redis.get('value')).toBe(text);
    expect(await on.store.kv.get('value')).toEqual(back);
  });

  it('keeps a name that reaches for the prototype a property', async () => {
    await on.redis.set('proto', '{"__proto__":{"polluted":1}}');
    const value = await on.store.kv.get<Record<string, unknown>>('proto');
    expect(Object.keys(value ?? {})).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('has a lifetime in seconds, or none', async () => {
    await on.store.kv.set('ttl', 'x', 100);
    expect(await on.redis.ttl('ttl')).toBeGreaterThan(95);
    await on.store.kv.set('ttl', 'x', 0);
    expect(await on.redis.ttl('ttl')).toBe(-1);
    await expect(on.store.kv.set('ttl', 'x', -1)).rejects.toThrow('ERR invalid expire time');
    await expect(on.store.kv.set('ttl', 'x', 1.5)).rejects.toThrow('ERR value is not an integer or out of range');
  });

  it('replaces and deletes keys of any type', async () => {
    await on.redis.hSet('typed', 'a', '1');
    await on.store.kv.set('typed', 'x');
    expect(await on.redis.get('typed')).toBe('x');
    expect(await on.store.kv.delete('typed')).toBeUndefined();
    expect(await on.store.kv.get('typed')).toBeNull();
  });

  it('carries large values', async () => {
    const large = { text: 'é'.repeat(2_000_000) };
    await on.store.kv.set('large', large);
    expect(await on.store.kv.get('large')).toEqual(large);
  });
});

describe('clear', () => {
  it('deletes what the pattern names, of any type, and counts it', async () => {
    await on.redis.flushDb();
    await on.redis.mSet({ 'c:1': 'x', 'c:2': 'x', 'a[1]': 'x', a1: 'x' });
    await on.redis.zAdd('c:z', { score: 1, value: 'm' });
    expect(await on.store.kv.clear('c:*')).toBe(3);
    expect(await on.store.kv.clear('c:*')).toBe(0);
    expect(await on.store.kv.clear('a[1]')).toBe(1);
    expect(await on.store.kv.clear('')).toBe(0);
    expect(await on.redis.keys('*')).toEqual(['a[1]']);
  });

  it('finds everything among many keys', async () => {
    await on.redis.flushDb();
    const fill = on.redis.multi();
    for (let i = 0; i < 9000; i += 1) fill.set(i % 3 === 0 ? `mine:${i}` : `other:${i}`, 'x');
    await fill.exec();
    expect(await on.store.kv.clear('mine:*')).toBe(3000);
    expect(await on.redis.dbSize()).toBe(6000);
  });
});

describe('increment', () => {
  it('counts in a string, for keys of three and more segments in a hash', async () => {
    await on.redis.flushDb();
    expect(await on.store.kv.increment('hits')).toBe(1);
    expect(await on.store.kv.increment('ns:hits', 5)).toBe(5);
    expect(await on.store.kv.increment('ns:counter:x', 3)).toBe(3);
    expect(await on.store.kv.increment('ns:counter:x', -1)).toBe(2);
    expect(await on.store.kv.increment('a:b:')).toBe(1);
    expect(await on.store.kv.increment('v:v:version', 4)).toBe(4);
    expect(await on.redis.get('ns:hits')).toBe('5');
    expect({ ...(await on.redis.hGetAll('ns:counter')) }).toEqual({ x: '2', version: '2' });
    expect({ ...(await on.redis.hGetAll('a:b')) }).toEqual({ '': '1', version: '1' });
    expect({ ...(await on.redis.hGetAll('v:v')) }).toEqual({ version: '5' });
    expect(await on.store.kv.get('ns:counter:x')).toBeNull();
    await expect(on.store.kv.get('ns:counter')).rejects.toThrow('WRONGTYPE');
  });

  it('takes whole numbers, and rounds only what a number cannot hold', async () => {
    await expect(on.store.kv.increment('n', 1.5)).rejects.toThrow('ERR value is not an integer or out of range');
    await expect(on.store.kv.increment('n', null as never)).rejects.toThrow('ERR value is not an integer');
    await on.redis.set('large', '9223372036854775800');
    expect(await on.store.kv.increment('large')).toBe(Number('9223372036854775801'));
    await on.redis.hSet('l:l', 'large', '-9223372036854775800');
    expect(await on.store.kv.increment('l:l:large')).toBe(Number('-9223372036854775799'));
  });
});

describe('a strict store', () => {
  it('gives strings back as they were', async () => {
    const strict = on.open({ strict: true });
    for (const text of ['', '123', 'true', 'null', '"q"', ' 5', 'plain', '\ud83d\ude00']) {
      await strict.kv.set('lossless', text);
      expect(await strict.kv.get('lossless')).toBe(text);
      expect(await on.store.kv.get('lossless')).toBe(text);
    }
  });

  it('reads and deletes the counters of increment', async () => {
    const strict = on.open({ strict: true });
    await strict.kv.increment('s:c:x', 3);
    await strict.kv.increment('s:c:y', 1);
    expect(await strict.kv.get('s:c:x')).toBe(3);
    expect(await strict.kv.get('short')).toBeNull();
    await on.redis.set('s:c', 'no hash').catch(() => undefined);
    expect(await strict.kv.get('s:c:x')).toBeNull();
    await on.redis.del('s:c');
    await strict.kv.increment('s:c:x', 3);
    await strict.kv.delete('s:c:x');
    expect(await strict.kv.get('s:c:x')).toBeNull();
  });
});
