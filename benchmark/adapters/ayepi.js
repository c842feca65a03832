/**
 * What is measured of ferrodis/ayepi, and the commands by which `@ayepi/redis` does the same. `retry`, through which the
 * original also goes, is left out of its side.
 */

import process from 'node:process';

const KEYS = 256;
const TTL = 60_000;
const TEXT = 'v'.repeat(100);
const ENTRY = {
  body: 'b'.repeat(800),
  status: 200,
  headers: [['content-type', 'application/json']],
  storedAt: 1,
  expires: 2,
  staleUntil: Date.now() + 86_400_000,
  bytes: 800,
  method: 'GET',
  path: '/x',
  key: 'k',
};

/** The port's calls: of each, what is called with the number of the call. */
export async function ferrodis({ client }) {
  const { redisBroker, redisCache, redisStore } = await import('../../__test__/fixtures/ayepi/modules.mjs');
  const store = redisStore(client, { prefix: 's:' });
  const cache = redisCache(client);
  const broker = redisBroker(client, { channel: 'bench:quiet' });
  await Promise.all([store.set('k', TEXT), cache.set('k', ENTRY)]);
  return {
    get: () => store.get('k'),
    set: (i) => store.set(`k${i % KEYS}`, TEXT, TTL),
    setIfNotExists: (i) => store.setIfNotExists(`c${process.pid}:${i}`, '1', TTL),
    increment: (i) => store.increment(`n${i % KEYS}`, 1, TTL),
    delete: (i) => store.delete(`k${i % KEYS}`),
    'cache get': () => cache.get('k'),
    'cache set': (i) => cache.set(`k${i % KEYS}`, ENTRY),
    'cache delete': (i) => cache.delete(`k${i % KEYS}`),
    publish: () => broker.publish(TEXT),
    async listen(channel, listener) {
      redisBroker(client, { channel }).subscribe(listener);
    },
  };
}

/** The same by the original's commands. */
export async function original({ send, subscribe }) {
  await Promise.all([send('set', 's:k', TEXT), send('set', 'ayepi:cache:k', JSON.stringify(ENTRY))]);
  return {
    get: () => send('get', 's:k'),
    set: (i) => send('set', `s:k${i % KEYS}`, TEXT, 'PX', TTL),
    setIfNotExists: (i) => send('set', `s:c${process.pid}:${i}`, '1', 'PX', TTL, 'NX'),
    async increment(i) {
      const sum = await send('incrby', `s:n${i % KEYS}`, 1);
      await send('pexpire', `s:n${i % KEYS}`, TTL);
      return sum;
    },
    delete: (i) => send('del', `s:k${i % KEYS}`),
    'cache get': async () => JSON.parse(await send('get', 'ayepi:cache:k')),
    'cache set': (i) =>
      send('set', `ayepi:cache:k${i % KEYS}`, JSON.stringify(ENTRY), 'PX', ENTRY.staleUntil - Date.now()),
    'cache delete': async (i) => (await send('del', `ayepi:cache:k${i % KEYS}`)) > 0,
    publish: () => send('publish', 'bench:quiet', TEXT),
    listen: subscribe,
  };
}

/** The calls, and whether an answer is right. */
export const OPERATIONS = {
  get: (answer) => answer === TEXT,
  set: () => true,
  setIfNotExists: (answer) => answer === true || answer === 'OK',
  increment: (answer) => answer >= 1,
  delete: () => true,
  'cache get': (answer) => answer.bytes === ENTRY.bytes,
  'cache set': () => true,
  'cache delete': (answer) => typeof answer === 'boolean',
  publish: () => true,
};
