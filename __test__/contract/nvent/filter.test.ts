import { beforeAll, describe, expect, it } from 'vitest';

import { nvent } from '../../support/nvent.js';

const on = nvent();
const TOTAL = 10_500;

beforeAll(async () => {
  const fill = on.redis.multi();
  for (let i = 0; i < TOTAL; i += 1) {
    const status = i % 100 === 0 ? 'running' : 'completed';
    fill
      .zAdd('runs', { score: i, value: `r${i}` })
      .hSet(`runs:meta:r${i}`, { version: '0', status, n: String(i % 10) });
  }
  await fill.exec();
  await on.store.index.add('odd', 'plain', 1, { n: 7, text: '007', on: true, list: [1], deep: { a: 1 }, dot: '' });
  await on.redis.zAdd('odd', { score: 2, value: 'bare' });
});

async function ids(filter: object, options: object = {}): Promise<string[]> {
  return (await on.store.index.read('odd', { filter: { ...filter }, ...options })).map(({ id }) => id);
}

describe('a filter', () => {
  it('compares decoded values strictly, a list by its members', async () => {
    expect(await ids({ n: 7 })).toEqual(['plain']);
    expect(await ids({ n: '7' })).toEqual([]);
    expect(await ids({ text: 7 })).toEqual(['plain']);
    expect(await ids({ on: 'true' })).toEqual([]);
    expect(await ids({ on: [false, true], n: [7] })).toEqual(['plain']);
    expect(await ids({ dot: '' })).toEqual(['plain']);
    expect(await ids({ n: [] })).toEqual([]);
  });

  it('finds entries that lack something', async () => {
    expect(await ids({ nope: undefined })).toEqual(['bare', 'plain']);
    expect(await ids({ n: undefined })).toEqual(['bare']);
    expect(await ids({ n: [undefined, 7] })).toEqual(['bare', 'plain']);
    expect(await ids({ deep: undefined })).toEqual(['bare']);
    expect(await ids({ 'deep.a': undefined })).toEqual(['bare', 'plain']);
  });

  it('never matches null, objects and dotted names', async () => {
    expect(await ids({ nope: null })).toEqual([]);
    expect(await ids({ deep: { a: 1 } })).toEqual([]);
    expect(await ids({ list: [[1]] })).toEqual([]);
    expect(await ids({ 'deep.a': 1 })).toEqual([]);
  });

  it('takes names that reach for a prototype as any other', async () => {
    expect(await ids(JSON.parse('{"__proto__":1}'))).toEqual([]);
    expect(await ids({ constructor: Object })).toEqual([]);
    expect(await ids({ toString: undefined })).toEqual(['bare', 'plain']);
  });

  it('pages through the matches with their whole metadata', async () => {
    const page = await on.store.index.read('runs', { filter: { status: 'running' }, offset: 2, limit: 3 });
    expect(page).toEqual(
      [10200, 10100, 10000].map((i) => ({
        id: `r${i}`,
        score: i,
        metadata: { version: 0, status: 'running', n: 0 },
      })),
    );
    expect(await on.store.index.read('runs', { filter: { status: 'running' }, limit: -1 })).toEqual([]);
  });

  it('looks at ten thousand ranks and no further', async () => {
    const all = await on.store.index.read('runs', { filter: { status: ['running'] }, limit: 1000 });
    expect(all).toHaveLength(100);
    expect(all.at(-1)?.id).toBe('r500');
    expect(await on.store.index.read('runs', { filter: { status: 'none' }, limit: 1000 })).toEqual([]);
  });

  it('may name more properties than fit one crossing', async () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`f${i}`, i]));
    await on.store.index.add('many', 'e', 1, many);
    await on.store.index.add('many', 'other', 2, { ...many, f149: 0 });
    expect((await on.store.index.read('many', { filter: many })).map(({ id }) => id)).toEqual(['e']);
  });

  it('answers nothing for an index that is not there, and refuses what is none', async () => {
    expect(await on.store.index.read('missing', { filter: { a: 1 } })).toEqual([]);
    await on.redis.set('text', 'x');
    await expect(on.store.index.read('text', { filter: { a: 1 } })).rejects.toThrow('WRONGTYPE');
  });
});
