import { inspect } from 'node:util';

import { RedisStore } from 'ferrodis/conveyor';
import { startRedis } from 'ferrodis/testing';
import { describe, expect, it } from 'vitest';

import { Warnings } from '../support/conveyor.js';
import { newJob } from '../support/job.js';
import { freePort } from '../support/server.js';

const SECRET = 'hunter2-secret';

/** Everything somebody could print of a value. */
function printed(value: unknown): string {
  const error = value instanceof Error ? `${value.message}\n${value.stack}\n${printed(value.cause)}` : '';
  return [inspect(value, { depth: 10, showHidden: true }), JSON.stringify(value), String(value), error].join('\n');
}

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => {
      throw new Error('the call should have failed');
    },
    (reason: unknown) => reason,
  );
}

describe('a password in the URL', () => {
  it('is not in the error of a refused log-in', async () => {
    await using redis = await startRedis({ password: 'another' });
    const warnings = new Warnings();
    const url = `redis://user:${SECRET}@127.0.0.1:${redis.port}`;
    const store = new RedisStore({ url, logger: warnings.logger });
    const error = await failureOf(store.connect());
    expect(printed(error)).not.toContain(SECRET);
    expect(printed(warnings.lines)).not.toContain(SECRET);
    await store.disconnect();
  });

  it('is not in the error of a server that is not there', async () => {
    const warnings = new Warnings();
    const url = `redis://user:${SECRET}@127.0.0.1:${await freePort()}`;
    const store = new RedisStore({ url, logger: warnings.logger, connectTimeout: 300 });
    const error = await failureOf(store.connect());
    expect(printed(error)).not.toContain(SECRET);
    expect(printed(warnings.lines)).not.toContain(SECRET);
    await store.disconnect();
  });

  it('is not in the error of a URL that cannot be read', async () => {
    const store = new RedisStore({ url: `redis://user:${SECRET}@[broken` });
    expect(printed(await failureOf(store.connect()))).not.toContain(SECRET);
  });

  it('is not in the error of a call', async () => {
    await using redis = await startRedis({ password: SECRET });
    const store = new RedisStore({ url: redis.url });
    await store.connect();
    await store.saveJob('q', newJob('q', { id: 'i' }));
    const error = await failureOf(store.updateJob('q', 'i', { state: 'delayed' }));
    expect(printed(error)).not.toContain(SECRET);
    await store.disconnect();
  });

  it('is not in what a connection prints of itself', async () => {
    await using redis = await startRedis({ password: SECRET });
    const store = new RedisStore({ url: redis.url });
    await store.connect();
    expect(inspect(store, { depth: 10 })).not.toContain(SECRET);
    await store.disconnect();
  });
});

describe('the payload of a job', () => {
  it('is in no error message', async () => {
    await using redis = await startRedis({ config: { maxmemory: '100kb' } });
    const store = new RedisStore({ url: redis.url });
    const error = await failureOf(store.connect().then(() => store.saveJob('q', newJob('q', { data: SECRET }))));
    expect(printed(error)).not.toContain(SECRET);
    await store.disconnect();
  });
});
