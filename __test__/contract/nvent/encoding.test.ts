import { describe, expect, it } from 'vitest';

import { nvent } from '../../support/nvent.js';

const on = nvent();
let entries = 0;

/** What an entry with this metadata has in its hash, apart from the version. */
async function written(metadata: object): Promise<Record<string, string>> {
  entries += 1;
  await on.store.index.add('write', `e${entries}`, 1, metadata as Record<string, unknown>);
  const { version, ...fields } = await on.meta('write', `e${entries}`);
  return version === '0' ? fields : { version: String(version), ...fields };
}

/** How the fields of a hash are read. */
async function read(fields: Record<string, string>): Promise<unknown> {
  entries += 1;
  await on.redis.zAdd('read', { score: 1, value: `e${entries}` });
  await on.redis.hSet(`read:meta:e${entries}`, fields);
  return (await on.store.index.get('read', `e${entries}`))?.metadata;
}

describe('metadata as it is written', () => {
  it.each<[string, object, Record<string, string>]>([
    ['nested objects as dotted names', { a: { b: { c: 1 }, d: 'x' } }, { 'a.b.c': '1', 'a.d': 'x' }],
    ['dotted names as nesting', { 'a.b': 1, 'a.c.d': 2 }, { 'a.b': '1', 'a.c.d': '2' }],
    ['a plain name in place of what dotted ones built', { 'a.b': 1, a: { c: 2 } }, { 'a.c': '2' }],
    ['a dotted name into what a plain one built', { a: { c: 2 }, 'a.b': 1 }, { 'a.c': '2', 'a.b': '1' }],
    ['a dotted name in place of what is falsy', { a: 0, 'a.b': 1 }, { 'a.b': '1' }],
    ['empty segments', { '': { c: 3 }, '.a': 1, 'b.': 2 }, { a: '1', 'b.': '2', c: '3' }],
    ['nothing for null, undefined and empty objects', { a: null, b: undefined, c: {}, d: 1 }, { d: '1' }],
    [
      'lists as JSON without null at the top',
      { a: [null, 1, undefined, [null]], b: [null] },
      { a: '[1,[null]]', b: '[]' },
    ],
    ['dates in lists as JSON does', { a: [new Date(0), Number.NaN] }, { a: '["1970-01-01T00:00:00.000Z",null]' }],
    [
      'numbers as JavaScript does',
      { a: -0, b: 1e21, c: 1e-7, d: Number.NaN, e: 0.1 },
      { a: '0', b: '1e+21', c: '1e-7', d: 'NaN', e: '0.1' },
    ],
    ['strings bare', { a: '', b: '[1', c: 'true', d: 'é😀\ud800' }, { a: '', b: '[1', c: 'true', d: 'é😀\ufffd' }],
    [
      'big integers, symbols, booleans',
      { a: 10n ** 20n, b: Symbol('s'), c: false },
      { a: '100000000000000000000', b: 'Symbol(s)', c: 'false' },
    ],
    ['maps, sets and patterns not at all', { a: new Map([[1, 2]]), b: new Set([1]), c: /x/u, d: 1 }, { d: '1' }],
    [
      'boxed text and bytes by index',
      { a: Object('hi'), b: Buffer.from('A') },
      { 'a.0': 'h', 'a.1': 'i', 'b.0': '65' },
    ],
    ['a version of its own', { version: 4, x: { version: { 'a.b': 1 } } }, { version: '4', 'x.version.a.b': '1' }],
    ['a nested version in place of the number', { 'version.x': 1 }, { version: 'undefined', 'version.x': '1' }],
    [
      'what is below a list or a function not at all',
      { a: [1], 'a.b': 2, f: String, 'f.x': 1 },
      { a: '[1]', f: String(String) },
    ],
  ])('%s', async (_name, metadata, fields) => {
    expect(await written(metadata)).toEqual(fields);
  });

  it('refuses a name below a value in the words of JavaScript', async () => {
    await expect(written({ a: 5, 'a.b': 1 })).rejects.toThrow("Cannot create property 'b' on number '5'");
    await expect(written({ a: 'str', 'a.b.c': 1 })).rejects.toThrow("Cannot create property 'b' on string 'str'");
    await expect(written({ a: true, 'a.b': 1 })).rejects.toThrow("Cannot create property 'b' on boolean 'true'");
  });

  it('leaves what it was given as it was', async () => {
    const list = [1];
    const version = { a: { b: 1 } };
    const metadata = { list, 'list.x': 2, nested: { 'a.b': 1 }, version, 'version.a.c': 2, at: new Date(0), 'at.x': 1 };
    expect(await written(metadata)).toEqual({
      version: 'undefined',
      list: '[1]',
      'nested.a.b': '1',
      'version.a.b': '1',
      'version.a.c': '2',
      at: '1970-01-01T00:00:00.000Z',
    });
    expect(Object.keys(list)).toEqual(['0']);
    expect(version).toEqual({ a: { b: 1 } });
    expect(Object.keys(metadata.at)).toEqual([]);
  });
});

describe('metadata as it is read', () => {
  it.each<[string, unknown]>([
    ['0x10', 16], ['0b101', 5], ['0o17', 15], ['+5', 5], ['.5', 0.5], ['5.', 5], ['007', 7], ['1e3', 1000],
    ['1e400', Number.POSITIVE_INFINITY], ['-Infinity', Number.NEGATIVE_INFINITY], ['-0', -0],
    ['12345678901234567890', 12345678901234567000], [' 5 ', 5], ['\u00a05\u2028', 5], ['\ufeff5', 5],
    ['true', true], ['false', false], ['[1,{"a":null}]', [1, { a: null }]], ['[1,', '[1,'], ['{"a":1}', '{"a":1}'],
    ['null', 'null'], ['', ''], [' ', ' '], ['NaN', 'NaN'], ['inf', 'inf'], ['infinity', 'infinity'], ['1_000', '1_000'],
    ['1n', '1n'], ['-0x10', '-0x10'], ['1,5', '1,5'], ['５', '５'], ['\u200b5', '\u200b5'], ['True', 'True'],
  ])('%j is %j', async (text, value) => {
    expect(await read({ field: text })).toStrictEqual({ field: value });
  }); // prettier-ignore

  it('is nested again, in fields of any order', async () => {
    expect(await read({ 'a.b': '1', c: 'x', 'a.d.e': '[2]', version: '3', 'b.': '4' })).toEqual({
      a: { b: 1, d: { e: [2] } },
      c: 'x',
      version: 3,
      b: { '': 4 },
    });
    const wide = Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`n${i % 7}.f${i}`, `${i}`]));
    const metadata = (await read(wide)) as Record<string, Record<string, number>>;
    expect(Object.keys(metadata)).toHaveLength(7);
    expect(metadata['n3']?.['f10']).toBe(10);
  });

  it('has bytes that are no text as other clients read them', async () => {
    const bytes = Buffer.from([0x61, 0xff, 0xf0, 0x9f, 0x62]);
    await on.redis.zAdd('read', { score: 1, value: 'bytes' });
    await on.redis.sendCommand(['HSET', 'read:meta:bytes', 'field', bytes]);
    expect(await on.store.index.get('read', 'bytes')).toMatchObject({ metadata: { field: bytes.toString('utf8') } });
  });
});
