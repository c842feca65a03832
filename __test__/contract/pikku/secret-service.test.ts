import { createDecipheriv, pbkdf2Sync } from 'node:crypto';

import { RedisSecretService } from 'ferrodis/pikku';
import { describe, expect, it } from 'vitest';

import { ioredis, original, oursBeside, siblings } from '../../support/pikku/siblings.js';

const on = siblings();

interface Config {
  key: string;
  keyVersion?: number;
  previousKey?: string;
}

function open(keyPrefix: string, config: Config = { key: 'first' }, url: string = on.url): RedisSecretService {
  return on.keep(new RedisSecretService(url, { ...config, keyPrefix }));
}

/** The original of a version; its methods are as ours, apart from what each test says. */
async function openOriginal(
  version: string,
  keyPrefix: string,
  config: Config = { key: 'first' },
): Promise<RedisSecretService> {
  const { RedisSecretService: Original } = await original(version);
  return on.keep(new Original(on.url, { ...config, keyPrefix })) as RedisSecretService;
}

/** Stores a secret as a version of the original does. */
async function written(version: string, keyPrefix: string, name: string, value: unknown, config?: Config) {
  const service = await openOriginal(version, keyPrefix, config);
  await (version === '0.12.3' ? service.setSecretJSON(name, value) : service.setSecret(name, value));
}

describe('secrets', () => {
  it.each([['text'], [''], [0], [false], [null], [{ a: ['ä'] }], ['x'.repeat(1 << 20)]])(
    'come back wrapped, as they were set: %.20j',
    async (value) => {
      const service = open(on.prefix());
      await service.setSecret('name', value);
      const secret = await service.getSecret<unknown>('name');
      expect(secret.reveal()).toEqual(value);
      expect(JSON.stringify(secret)).toBe('"[secret]"');
    },
  );

  it('may be set wrapped', async () => {
    const service = open(on.prefix());
    await service.setSecret('a', 'text');
    await service.setSecret('b', await service.getSecret('a'));
    expect((await service.getSecret('b')).reveal()).toBe('text');
  });

  it('are there or not', async () => {
    const service = open(on.prefix());
    await expect(service.hasSecret('a')).resolves.toBe(false);
    await service.setSecret('a', 1);
    await expect(service.hasSecret('a')).resolves.toBe(true);
    await service.deleteSecret('a');
    await service.deleteSecret('a');
    await expect(service.hasSecret('a')).resolves.toBe(false);
    await expect(service.getSecret('a')).rejects.toThrow(/^Requested secret not found$/);
  });

  it.each([[undefined], [() => 1], [Symbol('s')]])(
    'without a value are refused before anything is written',
    async (value) => {
      const prefix = on.prefix();
      await expect(open(prefix).setSecret('a', value)).rejects.toBeInstanceOf(TypeError);
      await expect(on.dump(prefix)).resolves.toEqual({});
    },
  );

  it('can be read several at once; what is not there is left out', async () => {
    const service = open(on.prefix());
    await service.setSecret('a', 1);
    await service.setSecret('b', { c: 2 });
    const found = await service.getSecrets<{ a: number; b: unknown; none: string }>(['a', 'none', 'b']);
    expect(Object.keys(found)).toEqual(['a', 'b']);
    expect([found.a?.reveal(), found.b?.reveal()]).toEqual([1, { c: 2 }]);
    await expect(service.getSecrets([])).resolves.toEqual({});
  });

  it('cannot be read with another key', async () => {
    const prefix = on.prefix();
    await open(prefix).setSecret('a', 1);
    const other = open(prefix, { key: 'other' });
    await expect(other.getSecret('a')).rejects.toMatchObject({ name: 'OperationError' });
    const failure = await other.getSecrets(['a']).catch((error: Error) => error);
    expect(failure).toMatchObject({
      message:
        'Failed to decrypt secret "a" (key_version 1): the configured KEK does not match the key it was wrapped under',
      cause: { name: 'OperationError' },
    });
  });

  it('of a version without a passphrase say so', async () => {
    const prefix = on.prefix();
    await open(prefix).setSecret('a', 1);
    const newer = open(prefix, { key: 'second', keyVersion: 2 });
    await expect(newer.getSecret('a')).rejects.toThrow(/^No KEK available for key_version 1$/);
  });

  it('lie in Redis as the contract has it, which an independent implementation can open', async () => {
    const prefix = on.prefix();
    await open(prefix).setSecret('a', { b: 'ä' });
    const row = await on.redis.hGetAll(`${prefix}:secret:a`);
    expect(Object.keys(row).sort()).toEqual(['ciphertext', 'key_version', 'wrapped_dek']);
    const salt = Buffer.from((await on.redis.hGet(`${prefix}:kek-salt`, '1')) ?? '', 'base64url');
    expect(salt).toHaveLength(16);
    const unseal = (key: Buffer, text: string | undefined): unknown => {
      const sealed = Buffer.from(text ?? '', 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
      decipher.setAuthTag(sealed.subarray(-16));
      return JSON.parse(Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString());
    };
    const dek = unseal(pbkdf2Sync('first', salt, 600_000, 32, 'sha256'), row['wrapped_dek']) as string;
    expect(dek).toHaveLength(43);
    expect(unseal(Buffer.from(dek, 'base64url'), row['ciphertext'])).toEqual({ b: 'ä' });
  });

  it('show neither key nor value to whoever looks at the service', async () => {
    const service = open(on.prefix(), { key: 'passphrase-of-the-test' });
    await service.setSecret('a', 'value-of-the-test');
    const { inspect } = await import('node:util');
    expect(inspect(service, { depth: 9, showHidden: true })).not.toMatch(/of-the-test/);
  });

  it('derive a key once, while the event loop goes on', async () => {
    const service = open(on.prefix());
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    await Promise.all([service.setSecret('a', 1), service.setSecret('b', 2), service.setSecret('c', 3)]);
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(3);
    expect(Object.keys(await service.getSecrets(['a', 'b', 'c']))).toHaveLength(3);
  });

  it('take one round trip for each call; the first of a prefix one more, for the salt', async () => {
    const prefix = on.prefix();
    const service = open(prefix, { key: 'first' }, on.proxy.url);
    await service.hasSecret('warm up');
    expect(await on.proxy.count(() => service.setSecret('a', 1))).toBe(2);
    expect(await on.proxy.count(() => service.setSecret('b', 1))).toBe(1);
    expect(await on.proxy.count(() => service.getSecret('a'))).toBe(1);
    expect(await on.proxy.count(() => service.getSecrets(['a', 'b', 'c']))).toBe(1);
    expect(await on.proxy.count(() => service.hasSecret('a'))).toBe(1);
    expect(await on.proxy.count(() => service.deleteSecret('a'))).toBe(1);
    const fresh = open(prefix, { key: 'first' }, on.proxy.url);
    expect(await on.proxy.count(() => fresh.getSecret('b'))).toBe(1);
  });
});

describe('rotation', () => {
  it('needs a previous key', async () => {
    await expect(open(on.prefix()).rotateKEK()).rejects.toThrow(/^No previousKey configured — nothing to rotate from$/);
  });

  it('wraps every older secret anew, and counts them', async () => {
    const prefix = on.prefix();
    const first = open(prefix);
    for (let at = 0; at < 25; at++) await first.setSecret(`s${at}`, at);
    await on.redis.hSet(`${prefix}:secret:half`, 'key_version', '1');
    await on.redis.set(`${prefix}:secret:other type`, 'x');
    const second = open(prefix, { key: 'second', keyVersion: 2, previousKey: 'first' });
    await second.setSecret('new', 'newest');
    await expect(second.rotateKEK()).resolves.toBe(25);
    await expect(second.rotateKEK()).resolves.toBe(0);
    const later = open(prefix, { key: 'second', keyVersion: 2 });
    expect((await later.getSecret('s24')).reveal()).toBe(24);
    expect((await later.getSecret('new')).reveal()).toBe('newest');
  });

  it('takes a prefix literally', async () => {
    const [prefix, lookalike] = ['p[1]*', 'p1x'];
    await open(prefix).setSecret('a', 1);
    await open(lookalike).setSecret('b', 1);
    await expect(open(prefix, { key: 'second', keyVersion: 2, previousKey: 'first' }).rotateKEK()).resolves.toBe(1);
    expect(await on.redis.hGet(`${lookalike}:secret:b`, 'key_version')).toBe('1');
  });

  it('rotates what it can before it reports what it cannot', async () => {
    const prefix = on.prefix();
    await open(prefix, { key: 'lost' }).setSecret('bad', 1);
    for (const name of ['a', 'b', 'c']) await open(prefix).setSecret(name, name);
    const second = open(prefix, { key: 'second', keyVersion: 2, previousKey: 'first' });
    await expect(second.rotateKEK()).rejects.toThrow(/^Failed to decrypt secret "bad" \(key_version 1\)/);
    expect((await open(prefix, { key: 'second', keyVersion: 2 }).getSecret('c')).reveal()).toBe('c');
  });

  it('takes a few round trips for a hundred secrets', async () => {
    const prefix = on.prefix();
    const first = open(prefix);
    await Promise.all(Array.from({ length: 100 }, (_, at) => first.setSecret(`s${at}`, at)));
    const second = open(prefix, { key: 'second', keyVersion: 2, previousKey: 'first' }, on.proxy.url);
    await second.hasSecret('warm up');
    const keys = await on.redis.dbSize();
    // A salt, the salts, and two for each step of the walk with one more where it found secrets.
    expect(await on.proxy.count(() => second.rotateKEK())).toBeLessThan(8 + 3 * Math.ceil(keys / 1000));
  });

  /** Sets the secret between the rotation's read and its write. */
  async function raced(rotating: RedisSecretService, setting: RedisSecretService, rounds: number): Promise<void> {
    const state = { rotated: false };
    const rotation = rotating.rotateKEK().finally(() => (state.rotated = true));
    for (let at = 0; !state.rotated && at < rounds; at++) {
      await Promise.all(Array.from({ length: 20 }, (_, name) => setting.setSecret(`s${name}`, `new ${at}`)));
    }
    await rotation;
  }

  async function readable(prefix: string): Promise<number> {
    const reader = open(prefix, { key: 'second', keyVersion: 2, previousKey: 'first' });
    const names = Array.from({ length: 20 }, (_, at) => `s${at}`);
    const read = await Promise.allSettled(names.map((name) => reader.getSecret(name)));
    return read.filter(({ status }) => status === 'fulfilled').length;
  }

  it('never loses a secret that is set meanwhile', { timeout: 120_000 }, async () => {
    for (let round = 0; round < 5; round++) {
      const prefix = on.prefix();
      const first = open(prefix);
      await Promise.all(Array.from({ length: 20 }, (_, at) => first.setSecret(`s${at}`, 'old')));
      const second = open(prefix, { key: 'second', keyVersion: 2, previousKey: 'first' });
      await second.hasSecret('s0');
      await raced(second, first, 50);
      expect(await readable(prefix)).toBe(20);
    }
  });

  it('loses one with the sequence of the original', async () => {
    const prefix = on.prefix();
    const first = open(prefix);
    await first.setSecret('s', 'old');
    const { Redis } = await ioredis();
    const client = new Redis(on.url);
    // The original reads the row; here another process sets the secret before it writes.
    const hgetall = client.hgetall.bind(client);
    client.hgetall = (async (key: string) => {
      const row = await hgetall(key);
      await first.setSecret('s', 'new');
      return row;
    }) as never;
    const { RedisSecretService: Original } = await original('0.12.18');
    const config = { key: 'second', keyVersion: 2, previousKey: 'first', keyPrefix: prefix };
    await (new Original(client, config) as RedisSecretService).rotateKEK();
    client.disconnect();
    const reader = open(prefix, { key: 'second', keyVersion: 2, previousKey: 'first' });
    await expect(reader.getSecret('s')).rejects.toMatchObject({ name: 'OperationError' });
  });
});

describe('what other versions wrote', () => {
  it.each(['0.12.3', '0.12.8', '0.12.18'])('%s: is read, rotated, and read again by 0.12.18', async (version) => {
    const prefix = on.prefix();
    const value = { user: 'ada', pin: [1, 2] };
    // The oldest stores the text of the value's JSON.
    const stored = version === '0.12.3' ? JSON.stringify(value) : value;
    await written(version, prefix, 'a', value);
    expect((await open(prefix).getSecret<unknown>('a')).reveal()).toEqual(stored);
    await expect(open(prefix).getSecretJSON('a')).resolves.toEqual(value);
    expect((await open(prefix).getSecrets<{ a: unknown }>(['a'])).a?.reveal()).toEqual(stored);

    const rotated = { key: 'second', keyVersion: 2, previousKey: 'first' };
    await expect(open(prefix, rotated).rotateKEK()).resolves.toBe(1);
    const theirs = await openOriginal('0.12.18', prefix, { key: 'second', keyVersion: 2 });
    expect((await theirs.getSecret<unknown>('a')).reveal()).toEqual(stored);
    expect((await open(prefix, rotated).getSecret<unknown>('a')).reveal()).toEqual(stored);
  });

  it('without salts is wrapped anew also where the version stays', async () => {
    const prefix = on.prefix();
    await written('0.12.8', prefix, 'old', 1, { key: 'second', keyVersion: 2 });
    await expect(open(prefix, { key: 'second', keyVersion: 2, previousKey: 'first' }).rotateKEK()).resolves.toBe(1);
    const theirs = await openOriginal('0.12.18', prefix, { key: 'second', keyVersion: 2 });
    expect((await theirs.getSecret<unknown>('old')).reveal()).toBe(1);
  });

  it('and what we write is read by 0.12.18, with the salt of whoever was first', async () => {
    const [one, two] = [on.prefix(), on.prefix()];
    await open(one).setSecret('a', { b: 1 });
    expect((await (await openOriginal('0.12.18', one)).getSecret<unknown>('a')).reveal()).toEqual({ b: 1 });
    await written('0.12.18', two, 'x', 1);
    await open(two).setSecret('a', { b: 2 });
    expect((await (await openOriginal('0.12.18', two)).getSecret<unknown>('a')).reveal()).toEqual({ b: 2 });
  });
});

describe('beside older cores', () => {
  it.each([
    ['0.12.3', '0.12.3'],
    ['0.12.37', '0.12.8'],
  ])('with %s writes what %s reads, and returns bare values', async (core, version) => {
    const prefix = on.prefix();
    const { RedisSecretService: Ours } = await oursBeside(core);
    const ours = on.keep(new Ours(on.url, { key: 'first', keyPrefix: prefix }));
    await ours.setSecret('a', 'text');
    await expect(ours.getSecret('a')).resolves.toBe('text');
    const theirs = await openOriginal(version, prefix);
    await expect(theirs.getSecret('a')).resolves.toBe('text');
    expect(await on.redis.exists(`${prefix}:kek-salt`)).toBe(0);
  });

  it('with 0.12.3 has its methods and texts', async () => {
    const prefix = on.prefix();
    const { RedisSecretService: Ours } = await oursBeside('0.12.3');
    const ours = on.keep(new Ours(on.url, { key: 'first', keyPrefix: prefix }));
    await ours.setSecretJSON('a', { b: 1 });
    const theirs = await openOriginal('0.12.3', prefix);
    for (const service of [ours, theirs]) {
      await expect(service.getSecret('a')).resolves.toBe('{"b":1}');
      await expect(service.getSecretJSON('a')).resolves.toEqual({ b: 1 });
      await expect(service.getSecret('none')).rejects.toThrow(/^Secret not found: none$/);
    }
    const rotated = { key: 'second', keyVersion: 2, previousKey: 'first' };
    await expect(on.keep(new Ours(on.url, { ...rotated, keyPrefix: prefix })).rotateKEK()).resolves.toBe(1);
    await expect((await openOriginal('0.12.3', prefix, rotated)).getSecret('a')).resolves.toBe('{"b":1}');
  });
});
