import { describe, expect, it } from 'vitest';

import { nvent } from '../../support/nvent.js';

const on = nvent();
const event = { type: 't', runId: 'r', flowName: 'f' };

/** A stream with entries of these ids, each with its id as its type. */
async function stream(key: string, ...entries: string[]): Promise<void> {
  for (const id of entries) await on.redis.sendCommand(['XADD', key, id, 'type', `e${id}`]);
}

async function ids(key: string, options?: object): Promise<string[]> {
  return (await on.store.stream.read(key, options)).map(({ id }) => id);
}

describe('append', () => {
  it('answers the event as it was given, with id and ts', async () => {
    const data = { at: new Date(0), nothing: undefined };
    const given = { ...event, id: 'mine', stepName: undefined, data, extra: 1 };
    const before = Date.now();
    const record = await on.store.stream.append('append', given);
    expect(Object.keys(record)).toEqual(['type', 'runId', 'flowName', 'id', 'stepName', 'data', 'extra', 'ts']);
    expect(record.id).toMatch(/^\d+-\d+$/);
    expect(record.ts).toBeGreaterThanOrEqual(before);
    expect(record.data).toBe(data);
  });

  it('stores one field a property, strings bare and the rest as JSON', async () => {
    const odd = { ...event, n: -0, big: 10n ** 20n, e: 1e21, yes: true, nil: null, list: [1, null], gone: undefined };
    await on.store.stream.append('fields', odd);
    const [entry] = (await on.redis.sendCommand(['XRANGE', 'fields', '-', '+'])) as Array<[string, string[]]>;
    const fields = entry?.[1] ?? [];
    const stored = Object.fromEntries(fields.map((name, i) => [name, fields[i + 1]]).filter((_, i) => i % 2 === 0));
    expect(stored).toMatchObject({ type: 't', n: '0', big: '100000000000000000000', e: '1e+21', yes: 'true' });
    expect(stored).toMatchObject({ nil: 'null', list: '[1,null]', ts: expect.stringMatching(/^\d{13}$/) });
    expect(stored).not.toHaveProperty('gone');
  });

  it('stores more fields than fit one crossing', async () => {
    const wide = { ...event, ...Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`f${i}`, i])) };
    await on.store.stream.append('wide', wide);
    const [entry] = (await on.redis.sendCommand(['XRANGE', 'wide', '-', '+'])) as Array<[string, string[]]>;
    expect(entry?.[1]).toHaveLength(2 * 204);
  });

  it('trims as it is told', async () => {
    const exact = on.open({ streams: { trim: { maxLen: 3, approx: false } } });
    const about = on.open({ streams: { trim: { maxLen: 3 } } });
    const never = on.open({ streams: { trim: { maxLen: 0 } } });
    for (let i = 0; i < 150; i += 1) {
      await Promise.all([exact, about, never].map((store, who) => store.stream.append(`trim${who}`, event)));
    }
    expect(await on.redis.xLen('trim0')).toBe(3);
    expect(await on.redis.xLen('trim1')).toBeLessThan(150);
    expect(await on.redis.xLen('trim2')).toBe(150);
  });
});

describe('read', () => {
  it('answers nine properties in their order, whatever the entry has', async () => {
    await on.redis.sendCommand(['XADD', 'nine', '5-0', 'triggerName', 'x', '__proto__', '{"runId":"p"}']);
    const [record] = await on.store.stream.read('nine');
    expect(Object.entries(record ?? {})).toEqual([
      ['id', '5-0'],
      ['ts', 0],
      ['type', 'unknown'],
      ...['runId', 'flowName', 'stepName', 'stepId', 'attempt', 'data'].map((name) => [name, undefined]),
    ]);
  });

  it('reads bytes that are no text as other clients do', async () => {
    const bytes = Buffer.from([0x61, 0xff, 0xe2, 0x82, 0x62]);
    await on.redis.sendCommand(['XADD', 'bytes', '5-0', 'type', bytes]);
    expect(await on.store.stream.read('bytes')).toMatchObject([{ type: bytes.toString('utf8') }]);
  });

  it('takes bounds from ids before instants, and both as Redis means them', async () => {
    await stream('range', '1000-0', '1000-5', '2000-0', '2000-1', '3000-0');
    expect(await ids('range', { from: 2000 })).toEqual(['2000-0', '2000-1', '3000-0']);
    expect(await ids('range', { to: 2000 })).toEqual(['1000-0', '1000-5', '2000-0']);
    expect(await ids('range', { after: '1000', from: 3000 })).toEqual(['1000-5', '2000-0', '2000-1', '3000-0']);
    expect(await ids('range', { before: '2000', to: 1 })).toEqual(['1000-0', '1000-5', '2000-0', '2000-1']);
    expect(await ids('range', { order: 'desc', limit: 2 })).toEqual(['3000-0', '2000-1']);
    expect(await ids('range', { order: 'desc', after: '1000-5', before: '3000-0' })).toEqual(['2000-1', '2000-0']);
    expect(await ids('range', { after: '', from: 0, to: 0, limit: 0 })).toHaveLength(5);
    expect(await ids('range', { after: '2000-0', before: '2000-0' })).toEqual([]);
    expect(await ids('missing')).toEqual([]);
  });

  it('looks for types among the entries that the limit lets through', async () => {
    await stream('types', '1-0', '2-0', '3-0');
    expect(await ids('types', { types: ['e3-0'], limit: 2 })).toEqual([]);
    expect(await ids('types', { types: ['e2-0'], limit: 2 })).toEqual(['2-0']);
    expect(await ids('types', { types: [] })).toHaveLength(3);
  });

  it.each([
    [{ after: '$' }, 'ERR Invalid stream ID specified as stream command argument'],
    [{ from: -1 }, 'ERR Invalid stream ID specified as stream command argument'],
    [{ before: '0-0' }, 'ERR invalid end ID for the interval'],
    [{ limit: 1.5 }, 'ERR value is not an integer or out of range'],
    [{ limit: -1 }, 'resp is not iterable'],
  ])('refuses %j', async (options, message) => {
    await stream('refuse', '*');
    await expect(on.store.stream.read('refuse', options)).rejects.toThrow(message);
  });

  it('answers a thousand without a limit', async () => {
    const fill = on.redis.multi();
    for (let i = 1; i <= 1200; i += 1) fill.addCommand(['XADD', 'long', `${i}-0`, 'type', 'x']);
    await fill.exec();
    expect(await ids('long')).toHaveLength(1000);
    expect(await ids('long', { limit: 5000 })).toHaveLength(1200);
  });
});

describe('delete', () => {
  it('tells whether there was something, of whatever type', async () => {
    await on.store.stream.append('gone', event);
    await on.redis.set('text', 'x');
    expect(await on.store.stream.delete('gone')).toBe(true);
    expect(await on.store.stream.delete('gone')).toBe(false);
    expect(await on.store.stream.delete('text')).toBe(true);
  });
});

describe('a strict store', () => {
  it('gives strings back as they were', async () => {
    const strict = on.open({ strict: true });
    const texts = ['123', '007', 'true', 'null', '"q"', '[1]', ' 5 ', '1e400', '', 'plain', '-0'];
    for (const data of texts) await strict.stream.append('lossless', { ...event, data });
    expect((await strict.stream.read('lossless')).map(({ data }) => data)).toEqual(texts);
    expect((await on.store.stream.read('lossless')).map(({ data }) => data)).toEqual(texts);
  });

  it('reads all there is without a limit, and the whole of the last millisecond', async () => {
    const strict = on.open({ strict: true });
    const fill = on.redis.multi();
    for (let i = 1; i <= 2500; i += 1) fill.addCommand(['XADD', 'all', `7-${i}`, 'type', i % 1000 === 0 ? 'k' : 'x']);
    await fill.exec();
    expect(await strict.stream.read('all')).toHaveLength(2500);
    expect(await strict.stream.read('all', { to: 7 })).toHaveLength(2500);
    expect(await strict.stream.read('all', { types: ['k'], limit: 2 })).toHaveLength(2);
    const newest = await strict.stream.read('all', { order: 'desc', types: ['k'] });
    expect(newest.map(({ id }) => id)).toEqual(['7-2000', '7-1000']);
    await expect(strict.stream.read('all', { limit: -1 })).rejects.toThrow('limit: must not be negative');
  });
});
