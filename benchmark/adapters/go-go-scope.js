/** What is measured of ferrodis/go-go-scope, and the commands by which `@go-go-scope/persistence-redis` does the same. */

import process from 'node:process';

const KEYS = 256;
const TTL = 60_000;
const VALUE = { tokens: 12.5, lastRefill: 1_790_000_000_000, text: 'v'.repeat(100) };
const LISTED = 10;
const STATE = { state: 'half-open', failureCount: 3, lastFailureTime: 1_790_000_000_000 };

const checkpoint = (taskId, sequence) => ({
  id: `${taskId}-1790000000000-${sequence}`,
  taskId,
  sequence,
  timestamp: 1_790_000_000_000,
  progress: 0,
  data: VALUE,
});

/** The adapters' calls: of each, what is called with the number of the call. */
export async function ferrodis({ client }) {
  const { RedisAdapter, RedisIdempotencyAdapter } = await import('../../dist/go-go-scope/index.js');
  const adapter = new RedisAdapter(client);
  const records = new RedisIdempotencyAdapter(client);
  await adapter.forceRelease('held');
  const held = await adapter.acquire('held', 86_400_000, 'me');
  await adapter.setState('known', STATE);
  await adapter.set('k', VALUE, 3_600_000);
  await records.set('k', [null, VALUE], 3_600_000);
  for (let sequence = 1; sequence <= LISTED; sequence++) await adapter.save(checkpoint('listed', sequence));
  return {
    async 'acquire + release'(i) {
      const handle = await adapter.acquire(`l${process.pid}:${i}`, TTL);
      await handle.release();
      return true;
    },
    extend: () => adapter.extend('held', 86_400_000, 'me'),
    isValid: () => held.isValid(),
    getState: () => adapter.getState('known'),
    recordSuccess: (i) => adapter.recordSuccess(`s${i % KEYS}`),
    recordFailure: (i) => adapter.recordFailure(`c${i % KEYS}`, 1e9),
    'idempotency get': () => records.get('k'),
    'idempotency set': (i) => records.set(`k${i % KEYS}`, [null, VALUE], TTL),
    'cache get': () => adapter.get('k'),
    'cache set': (i) => adapter.set(`k${i % KEYS}`, VALUE, TTL),
    'cache has': () => adapter.has('k'),
    'cache delete': (i) => adapter.delete(`k${i % KEYS}`),
    async 'save + cleanup'(i) {
      const task = `t${i % KEYS}`;
      await adapter.save(checkpoint(task, i));
      await adapter.cleanup(task, LISTED);
      return true;
    },
    'list of 10': () => adapter.list('listed'),
    loadLatest: () => adapter.loadLatest('listed'),
    async 'save + deleteAll'(i) {
      const task = `d${i % KEYS}`;
      await adapter.save(checkpoint(task, i));
      await adapter.deleteAll(task);
      return true;
    },
  };
}

/** The same by the original's commands. */
export async function original({ send }) {
  await send('set', 'lock:held', 'me');
  await send('setex', 'circuit:known', 3600, JSON.stringify(STATE));
  await send('setex', 'cache:k', 3600, JSON.stringify(VALUE));
  await send('setex', 'idempotency:k', 3600, JSON.stringify([null, VALUE]));
  const save = async (given) => {
    const data = `checkpoint:${given.taskId}:${given.sequence}`;
    await send('set', data, JSON.stringify(given));
    await send('zadd', `checkpoint:${given.taskId}`, given.sequence, data);
  };
  for (let sequence = 1; sequence <= LISTED; sequence++) await save(checkpoint('listed', sequence));
  return {
    async 'acquire + release'(i) {
      const owner = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
      await send('set', `lock:l${process.pid}:${i}`, owner, 'PX', TTL, 'NX');
      if ((await send('get', `lock:l${process.pid}:${i}`)) === owner) await send('del', `lock:l${process.pid}:${i}`);
      return true;
    },
    async extend() {
      if ((await send('get', 'lock:held')) !== 'me') return false;
      await send('pexpire', 'lock:held', 86_400_000);
      return true;
    },
    isValid: async () => (await send('get', 'lock:held')) === 'me',
    getState: async () => JSON.parse(await send('get', 'circuit:known')),
    recordSuccess(i) {
      const state = JSON.stringify({ state: 'closed', failureCount: 0, lastSuccessTime: Date.now() });
      return send('setex', `circuit:s${i % KEYS}`, 3600, state);
    },
    async recordFailure(i) {
      const text = await send('get', `circuit:c${i % KEYS}`);
      const failureCount = (text ? JSON.parse(text).failureCount : 0) + 1;
      const state = JSON.stringify({ state: 'closed', failureCount, lastFailureTime: Date.now() });
      await send('setex', `circuit:c${i % KEYS}`, 3600, state);
      return failureCount;
    },
    async 'idempotency get'() {
      const text = await send('get', 'idempotency:k');
      return { value: JSON.parse(text), expiresAt: Date.now() + (await send('pttl', 'idempotency:k')) };
    },
    'idempotency set': (i) => send('setex', `idempotency:k${i % KEYS}`, TTL / 1000, JSON.stringify([null, VALUE])),
    'cache get': async () => JSON.parse(await send('get', 'cache:k')),
    'cache set': (i) => send('setex', `cache:k${i % KEYS}`, TTL / 1000, JSON.stringify(VALUE)),
    'cache has': async () => (await send('exists', 'cache:k')) === 1,
    'cache delete': (i) => send('del', `cache:k${i % KEYS}`),
    async 'save + cleanup'(i) {
      const task = `t${i % KEYS}`;
      await save(checkpoint(task, i));
      const members = await send('zrange', `checkpoint:${task}`, 0, -1);
      for (const member of members.slice(0, Math.max(0, members.length - LISTED))) {
        await send('del', member);
        await send('zrem', `checkpoint:${task}`, member);
      }
      return true;
    },
    async 'list of 10'() {
      const found = [];
      for (const member of await send('zrange', 'checkpoint:listed', 0, -1)) {
        found.push(JSON.parse(await send('get', member)));
      }
      return found;
    },
    async loadLatest() {
      const [newest] = await send('zrevrange', 'checkpoint:listed', 0, 0);
      return JSON.parse(await send('get', newest));
    },
    async 'save + deleteAll'(i) {
      const task = `d${i % KEYS}`;
      await save(checkpoint(task, i));
      const members = await send('zrange', `checkpoint:${task}`, 0, -1);
      if (members.length > 0) await send('del', ...members);
      await send('del', `checkpoint:${task}`);
      return true;
    },
  };
}

/** The calls, and whether an answer is right. */
export const OPERATIONS = {
  'acquire + release': (answer) => answer,
  extend: (answer) => answer === true,
  isValid: (answer) => answer === true,
  getState: (answer) => answer.failureCount === STATE.failureCount,
  recordSuccess: () => true,
  recordFailure: (answer) => answer >= 1,
  'idempotency get': (answer) => answer.value[1].tokens === VALUE.tokens && answer.expiresAt > Date.now(),
  'cache get': (answer) => answer.tokens === VALUE.tokens,
  'idempotency set': () => true,
  'cache set': () => true,
  'cache has': (answer) => answer === true,
  'cache delete': () => true,
  'save + cleanup': (answer) => answer,
  'list of 10': (answer) => answer.length === LISTED && answer[LISTED - 1].sequence === LISTED,
  loadLatest: (answer) => answer.sequence === LISTED,
  'save + deleteAll': (answer) => answer,
};
