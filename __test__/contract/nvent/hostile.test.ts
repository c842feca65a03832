import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { nvent } from '../../support/nvent.js';

const on = nvent();

/** Everything that could be reached through the prototypes of plain values. */
function prototypes(): unknown[] {
  return [Object.prototype, Array.prototype, Function.prototype, String.prototype, Number.prototype, Object].map(
    (each) => Reflect.ownKeys(each).map(String).join(),
  );
}

let before: unknown[];

beforeEach(() => {
  before = prototypes();
});

afterEach(() => {
  expect(prototypes()).toEqual(before);
});

const names = [
  '__proto__',
  '__proto__.x',
  'a.__proto__.x',
  '__proto__.__proto__.x',
  'constructor',
  'constructor.x',
  'constructor.prototype.x',
  'a.constructor.prototype.x',
  'toString.x',
  'hasOwnProperty',
  'list.constructor.x',
  'list.push.x',
];

describe('names that reach for a prototype', () => {
  it.each(names)('do not get there when they are read: %s', async (name) => {
    await on.redis.zAdd('read', { score: 1, value: name });
    await on.redis.hSet(`read:meta:${name}`, { [name]: '{"x":1}', list: '[1]' });
    const found = await on.store.index.get('read', name);
    expect(found?.metadata).toMatchObject({ list: [1] });
    expect(Object.getPrototypeOf(found?.metadata)).toBe(Object.prototype);
    await on.store.index.read('read', { filter: { [name]: 1 } });
    await on.store.index.read('read', { filter: { [name]: undefined } });
    await on.store.index.read('read');
  });

  it.each(names)('do not get there when they are written: %s', async (name) => {
    const metadata = { ...JSON.parse(`{${JSON.stringify(name)}:1}`), list: [1], kept: { x: 1 } };
    await on.store.index.add('write', name, 1, metadata);
    expect(await on.meta('write', name)).toMatchObject({ version: '0', 'kept.x': '1' });
  });

  it('do not get there from the body of a request', async () => {
    const body = '{"constructor":{"prototype":{"x":1}},"__proto__":{"y":1},"deep":{"__proto__":{"z":1},"ok":1}}';
    await on.store.index.add('body', 'e', 1, {});
    expect(await on.store.index.update('body', 'e', JSON.parse(body))).toBe(true);
    expect(await on.meta('body', 'e')).toEqual({ version: '1', 'constructor.prototype.x': '1', 'deep.ok': '1' });
    const found = await on.store.index.get('body', 'e');
    expect(found?.metadata).toMatchObject({ deep: { ok: 1 } });
  });

  it('supply no properties of events', async () => {
    const lie = JSON.stringify({ type: 'forged', runId: 'forged' });
    await on.redis.sendCommand(['XADD', 'events', '1-0', '__proto__', lie, 'flowName', 'f']);
    const [event] = await on.store.stream.read('events');
    expect(event).toMatchObject({ type: 'unknown', runId: undefined, flowName: 'f' });
    expect(Object.getPrototypeOf(event)).toBe(Object.prototype);
  });

  it('are stored with events as the original does', async () => {
    const event = JSON.parse('{"type":"t","__proto__":{"x":1}}') as never;
    await on.store.stream.append('stored', event);
    const [entry] = (await on.redis.sendCommand(['XRANGE', 'stored', '-', '+'])) as Array<[string, string[]]>;
    expect(entry?.[1].slice(0, 4)).toEqual(['type', 't', '__proto__', '{"x":1}']);
  });
});

describe('keys and ids', () => {
  it('may be anything', async () => {
    for (const odd of ['', ' ', ':', 'a:meta:b', '{x}', 'é😀', '*', '\u0000', "'; DROP", 'x'.repeat(3000)]) {
      await on.store.index.add(odd, odd, 1, { odd });
      expect(await on.store.index.get(odd, odd)).toMatchObject({ id: odd, score: 1 });
      expect(await on.store.index.read(odd)).toHaveLength(1);
      expect(await on.store.index.delete(odd, odd)).toBe(true);
    }
  });
});
