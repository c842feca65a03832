import { RedisStore } from 'ferrodis/conveyor';
import { startRedis } from 'ferrodis/testing';
import { describe, expect, it } from 'vitest';

import { completion, newJob } from '../support/job.js';

/** Takes one job from save to completion and hears an event about it from a second store. */
async function life(connect: () => RedisStore): Promise<void> {
  const [store, listener] = [connect(), connect()];
  await Promise.all([store.connect(), listener.connect()]);
  const heard = new Promise((resolve) => listener.subscribe('q', resolve));
  const id = await store.saveJob('q', newJob('q', { data: 'x'.repeat(100_000) }));
  expect(await store.fetchNextJob('q', 'w', 10_000)).toMatchObject({ id });
  await store.updateJob('q', id, completion(1));
  await store.publish({ type: 'job:completed', queueName: 'q', jobId: id, timestamp: new Date(1) });
  expect(await heard).toMatchObject({ type: 'job:completed', jobId: id });
  expect(await listener.getJob('q', id)).toMatchObject({ state: 'completed', returnvalue: 1 });
  await Promise.all([store.disconnect(), listener.disconnect()]);
}

describe('TLS', () => {
  it('works with the certificate of an own authority', async () => {
    await using redis = await startRedis({ tls: true });
    const ca = redis.tls?.ca ?? '';
    await life(() => new RedisStore({ url: redis.url, connection: { tls: { ca } } }));
  });

  it('works with a client certificate', async () => {
    await using redis = await startRedis({ tls: { clientAuth: true } });
    const { ca, cert, key } = redis.tls ?? { ca: '', cert: '', key: '' };
    await life(() => new RedisStore({ url: redis.url, connection: { tls: { ca, cert, key } } }));
  });

  it('refuses a certificate that nobody we trust has signed', async () => {
    await using redis = await startRedis({ tls: true });
    const store = new RedisStore({ url: redis.url, connectTimeout: 4000 });
    await expect(store.connect()).rejects.toThrow(/certificate/i);
    await store.disconnect();
  });

  it('refuses a certificate for another name', async () => {
    await using redis = await startRedis({ tls: true });
    const tls = { ca: redis.tls?.ca ?? '', servername: 'elsewhere.example' };
    const store = new RedisStore({ url: redis.url, connection: { tls }, connectTimeout: 4000 });
    await expect(store.connect()).rejects.toThrow(/certificate/i);
    await store.disconnect();
  });
});

describe('a unix socket', () => {
  it('works like TCP', async () => {
    await using redis = await startRedis({ unixSocket: true });
    await life(() => new RedisStore({ connection: { path: redis.path ?? '' } }));
  });

  it('may stand in a URL', async () => {
    await using redis = await startRedis({ unixSocket: true });
    await life(() => new RedisStore({ url: `unix://${redis.path}` }));
  });
});

describe('protocols', () => {
  it.each([2, 3] as const)('works with RESP%i', async (protocol) => {
    await using redis = await startRedis({ args: [] });
    await life(() => new RedisStore({ url: redis.url, connection: { protocol } }));
  });
});

describe('a password', () => {
  it('is used from the URL, also with odd characters', async () => {
    const password = 'p@ss:/%?#ü';
    await using redis = await startRedis({ password });
    const url = `redis://:${encodeURIComponent(password)}@127.0.0.1:${redis.port}`;
    await life(() => new RedisStore({ url }));
  });

  it('that is wrong rejects connect and appears in no message', async () => {
    await using redis = await startRedis({ password: 'right' });
    const store = new RedisStore({ url: `redis://:wrong-secret@127.0.0.1:${redis.port}` });
    const error = await store.connect().then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'ERR_FERRODIS_AUTH' });
    await store.disconnect();
  });
});
