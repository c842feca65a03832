import { describe, expect, it } from 'vitest';

import { ayepi, ground, ONCE } from '../../support/ayepi.js';

const on = ground();

describe('a client that has logged in with other credentials since', () => {
  it('does the work itself, every command of it', async () => {
    await on.redis.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>new', '~*', '+@all');
    const client = await on.client({ username: 'app', password: 'new' });
    // What the options say is no longer true, as after a run-time AUTH.
    client.options.password = 'old';
    const store = ayepi.redisStore(client, { prefix: 's:', ...ONCE });
    expect(await store.get('a')).toBeUndefined();
    await store.set('a', 'text');
    expect(await store.get('a')).toBe('text');
    expect(await store.setIfNotExists('a', 'other')).toBe(false);
    expect(await store.increment('n', 2)).toBe(2);
    expect(await store.increment('n', 2, 60_000)).toBe(4);
    await store.delete('a');
    expect(await on.redis.exists('s:a')).toBe(0);
    const list = String(await on.redis.call('CLIENT', 'LIST'));
    expect(list.match(/user=app /g)).toHaveLength(1);
  });
});
