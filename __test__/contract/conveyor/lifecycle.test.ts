import { RedisStore } from 'ferrodis/conveyor';
import { createClient } from 'redis6';
import { describe, expect, it } from 'vitest';

import { conveyor, Warnings } from '../../support/conveyor.js';
import { newJob } from '../../support/job.js';
import { freePort } from '../../support/server.js';

const on = conveyor();
const notConnected = new Error('[Conveyor] RedisStore is not connected — call connect() first');
const usedUp = new Error('[Conveyor] RedisStore cannot be reconnected after disconnect');
const aborted = new Error('[Conveyor] RedisStore was disconnected during connect()');

/** A new store that is not yet connected. */
const fresh = (): RedisStore => new RedisStore({ url: on.server.url });

/** How many connections of this name the server has. */
async function connections(name: string): Promise<number> {
  const list = String(await on.redis.sendCommand(['CLIENT', 'LIST']));
  return list.split(` name=${name} `).length - 1;
}

describe('connect', () => {
  it('writes the schema version each time', async () => {
    await on.redis.set('conveyor:schema', 'other');
    const store = fresh();
    await store.connect();
    expect(await on.redis.get('conveyor:schema')).toBe('redis-v1');
    await store.disconnect();
  });

  it('resolves at once when it is connected', async () => {
    expect(await on.store.connect()).toBeUndefined();
  });

  it('gives callers at the same time the same promise', async () => {
    const store = fresh();
    const [one, two] = [store.connect(), store.connect()];
    expect(one).toBe(two);
    await one;
    await store.disconnect();
  });

  it('rejects when there is neither url nor client', async () => {
    const message =
      '[Conveyor] RedisStore requires either `url` or `client` — refusing to fall back to the node-redis default host';
    await expect(new RedisStore().connect()).rejects.toThrow(new Error(message));
    await expect(new RedisStore({ url: '' }).connect()).rejects.toThrow(new Error(message));
  });

  it('rejects a brought client that is not open', async () => {
    const message =
      '[Conveyor] BYO Redis client must already be connected — call `client.connect()` before passing it to `new RedisStore({ client })`';
    const client = createClient({ url: on.server.url });
    await expect(new RedisStore({ client: client as never }).connect()).rejects.toThrow(new Error(message));
  });

  it('rejects a URL that cannot be read', async () => {
    await expect(new RedisStore({ url: 'nonsense' }).connect()).rejects.toThrow();
    await expect(new RedisStore({ url: 'http://127.0.0.1' }).connect()).rejects.toThrow();
  });

  it('may be tried again after it failed', async () => {
    const url = on.server.url.replace('redis://', 'redis://nobody:wrong@');
    const store = new RedisStore({ url });
    await expect(store.connect()).rejects.toThrow();
    await on.redis.sendCommand(['ACL', 'SETUSER', 'nobody', 'on', '>wrong', '~*', '&*', '+@all']);
    await store.connect();
    expect(await store.countJobs('q', 'waiting')).toBe(0);
    await store.disconnect();
    await on.redis.sendCommand(['ACL', 'DELUSER', 'nobody']);
  });

  it('waits for a server that is not there and goes away with disconnect', async () => {
    const warnings = new Warnings();
    const url = `redis://127.0.0.1:${await freePort()}`;
    const store = new RedisStore({ url, logger: warnings.logger });
    const connecting = store.connect();
    connecting.catch(() => {});
    await warnings.seen('[Conveyor] Redis client error:');
    await store.disconnect();
    await expect(connecting).rejects.toThrow(aborted);
  });
});

describe('the matrix of connect and disconnect', () => {
  it('refuses connect after disconnect', async () => {
    const store = fresh();
    await store.connect();
    await store.disconnect();
    await expect(store.connect()).rejects.toThrow(usedUp);
  });

  it('refuses connect even when disconnect came first', async () => {
    const store = fresh();
    await store.disconnect();
    await expect(store.connect()).rejects.toThrow(usedUp);
  });

  it('rejects a connect that disconnect overtakes', async () => {
    const store = fresh();
    const connecting = store.connect();
    connecting.catch(() => {});
    await store.disconnect();
    await expect(connecting).rejects.toThrow(aborted);
    await expect(store.connect()).rejects.toThrow(usedUp);
  });

  it('takes a second disconnect', async () => {
    const store = fresh();
    await store.connect();
    await Promise.all([store.disconnect(), store.disconnect()]);
    expect(await store.disconnect()).toBeUndefined();
  });

  it('lets calls under way finish', async () => {
    const store = fresh();
    await store.connect();
    const queue = on.queue();
    const saves = Array.from({ length: 100 }, () => store.saveJob(queue, newJob(queue)));
    await store.disconnect();
    expect(await Promise.all(saves)).toHaveLength(100);
    expect(await on.store.countJobs(queue, 'waiting')).toBe(100);
  });

  it('works with await using', async () => {
    let kept: RedisStore;
    {
      await using store = fresh();
      await store.connect();
      kept = store;
    }
    await expect(kept.connect()).rejects.toThrow(usedUp);
  });

  it('closes its connections when no other store uses them', async () => {
    const options = { url: on.server.url, connection: { clientName: 'shared' } };
    const [one, two] = [new RedisStore(options), new RedisStore(options)];
    await Promise.all([one.connect(), two.connect()]);
    expect(await connections('shared')).toBeGreaterThan(0);
    await one.disconnect();
    expect(await two.countJobs('unknown', 'waiting')).toBe(0);
    await two.disconnect();
    await expect.poll(() => connections('shared')).toBe(0);
  });
});

describe('a store that is not connected', () => {
  const calls: Array<[string, (store: RedisStore) => Promise<unknown>]> = [
    ['saveJob', (store) => store.saveJob('q', newJob('q'))],
    ['saveBulk', (store) => store.saveBulk('q', [newJob('q')])],
    ['getJob', (store) => store.getJob('q', 'i')],
    ['updateJob', (store) => store.updateJob('q', 'i', { progress: 1 })],
    ['removeJob', (store) => store.removeJob('q', 'i')],
    ['findByDeduplicationKey', (store) => store.findByDeduplicationKey('q', 'k')],
    ['fetchNextJob', (store) => store.fetchNextJob('q', 'w', 1000)],
    ['extendLock', (store) => store.extendLock('q', 'i', 1000)],
    ['releaseLock', (store) => store.releaseLock('q', 'i')],
    ['getActiveCount', (store) => store.getActiveCount('q')],
    ['listJobs', (store) => store.listJobs('q', 'waiting')],
    ['countJobs', (store) => store.countJobs('q', 'waiting')],
    ['getNextDelayedTimestamp', (store) => store.getNextDelayedTimestamp('q')],
    ['promoteDelayedJobs', (store) => store.promoteDelayedJobs('q', 1)],
    ['promoteJobs', (store) => store.promoteJobs('q')],
    ['pauseJobName', (store) => store.pauseJobName('q', 'n')],
    ['resumeJobName', (store) => store.resumeJobName('q', 'n')],
    ['getPausedJobNames', (store) => store.getPausedJobNames('q')],
    ['getStalledJobs', (store) => store.getStalledJobs('q', 1)],
    ['clean', (store) => store.clean('q', 'failed', 1)],
    ['drain', (store) => store.drain('q')],
    ['retryJobs', (store) => store.retryJobs('q', 'failed')],
    ['obliterate', (store) => store.obliterate('q')],
    ['saveFlow', (store) => store.saveFlow([{ queueName: 'q', job: newJob('q') }])],
    ['notifyChildCompleted', (store) => store.notifyChildCompleted('q', 'i')],
    ['failParentOnChildFailure', (store) => store.failParentOnChildFailure('q', 'i', 'r')],
    ['getChildrenJobs', (store) => store.getChildrenJobs('q', 'i')],
    ['getGroupActiveCount', (store) => store.getGroupActiveCount('q', 'g')],
    ['getWaitingGroupCount', (store) => store.getWaitingGroupCount('q', 'g')],
    ['getJobCounts', (store) => store.getJobCounts('q')],
    ['listQueues', (store) => store.listQueues()],
    ['findJobById', (store) => store.findJobById('i')],
    ['cancelJob', (store) => store.cancelJob('q', 'i')],
    ['searchByPayload', (store) => store.searchByPayload('q', 'x')],
    ['searchByName', (store) => store.searchByName('x')],
    ['listFlowParents', (store) => store.listFlowParents()],
    ['searchJobs', (store) => store.searchJobs({})],
  ];

  it.each(calls)('rejects %s before connect', async (_name, call) => {
    await expect(call(fresh())).rejects.toThrow(notConnected);
  });

  it.each(calls)('rejects %s after disconnect', async (_name, call) => {
    const store = fresh();
    await store.disconnect();
    await expect(call(store)).rejects.toThrow(notConnected);
  });
});

describe('own properties', () => {
  it('are those the host may look at', async () => {
    const store = fresh() as unknown as Record<string, unknown>;
    expect(store).toMatchObject({ client: null, subscriber: null });
    await (store as unknown as RedisStore).connect();
    expect(store).toMatchObject({ client: { isOpen: true }, subscriber: { isOpen: true } });
    await (store as unknown as RedisStore).disconnect();
    expect(store).toMatchObject({ client: null, subscriber: null });
  });

  it('let methods be replaced on the instance', async () => {
    const store = fresh();
    store.getActiveCount = () => Promise.resolve(42);
    expect(await store.getActiveCount('q')).toBe(42);
  });
});
