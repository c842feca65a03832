import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';

import { createClient } from 'redis6';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { RedisStoreOptions } from '../../ts/conveyor/index.js';
import { RedisStore } from '../../ts/conveyor/index.js';
import { encodeJob } from '../../ts/conveyor/record.js';
import type { JobData, Logger, NewJob, StoreEvent } from '../../ts/conveyor/types.js';
import { ArgumentError, ConnectionError, LeaseLostError, TimeoutError } from '../../ts/errors.js';
import { Connection } from './support/fake-client.js';
import { freshJob } from './support/job.js';
import type { Played } from './support/reply.js';

vi.mock('../../ts/client.js', () => import('./support/fake-client.js'));

const warn = vi.fn<Logger['warn']>();
const logger: Logger = { debug: vi.fn(), info: vi.fn(), warn, error: vi.fn() };
const NOT_CONNECTED = new Error('[Conveyor] RedisStore is not connected — call connect() first');

async function connected(options: RedisStoreOptions = {}): Promise<{ store: RedisStore; link: Connection }> {
  const store = new RedisStore({ url: 'redis://h', keyPrefix: 'p', logger, ...options });
  await store.connect();
  const link = Connection.opened.at(-1) as Connection;
  link.sent.length = 0;
  return { store, link };
}

function record(job: JobData): Played[] {
  return encodeJob(job, job.id);
}

function leased(fields: Partial<JobData> = {}): JobData {
  return freshJob({
    state: 'active',
    lockedBy: 'w',
    processedAt: new Date(10),
    lockUntil: new Date(20),
    ...fields,
  });
}

/** A node-redis client that says it is open, without a server. */
function openClient() {
  const client = createClient({ url: 'redis://brought:7000/2' });
  Object.defineProperty(client, 'isOpen', { value: true });
  vi.spyOn(client, 'sendCommand').mockResolvedValue('id=1 db=4');
  return client;
}

beforeEach(() => {
  warn.mockClear();
  Connection.opened.length = 0;
  Connection.readiness = () => Promise.resolve();
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('connect', () => {
  it('opens the URL, listens on the channel, and marks the schema', async () => {
    const store = new RedisStore({ url: 'redis://h', connection: { callTimeout: 5 } });
    expect(store.connected).toBe(false);
    await store.connect();
    const [link] = Connection.opened;
    expect(link?.options).toEqual({ url: 'redis://h', callTimeout: 5 });
    expect(link?.listening?.channel).toBe('conveyor:events');
    expect(link?.sent).toEqual([{ operation: 'connect', args: ['conveyor'], staged: [] }]);
    expect(store.connected).toBe(true);
  });

  it('is one attempt for all who wait, and none when connected', async () => {
    const store = new RedisStore({ url: 'redis://h' });
    expect(store.connect()).toBe(store.connect());
    await store.connect();
    await store.connect();
    expect(Connection.opened).toHaveLength(1);
  });

  it.each([{}, { url: '' }])('refuses %o, which leads nowhere', async (options) => {
    await expect(new RedisStore(options).connect()).rejects.toThrow(
      new Error(
        '[Conveyor] RedisStore requires either `url` or `client` — refusing to fall back to the node-redis default host',
      ),
    );
  });

  it('may be tried again after a failure, which leaves nothing open', async () => {
    const store = new RedisStore({ url: 'redis://h' });
    Connection.readiness = () => Promise.reject(new Error('refused'));
    await expect(store.connect()).rejects.toThrow('refused');
    expect(Connection.opened[0]).toMatchObject({ listenerClosed: true, closed: { timeoutMs: 0 } });
    Connection.readiness = () => Promise.resolve();
    await store.connect();
    expect(store.connected).toBe(true);
  });

  it('that comes too late says what stood in its way', async () => {
    const refused = new ConnectionError('refused', { operation: 'connect' });
    Connection.readiness = () => {
      Connection.opened[0]?.onFault?.(refused);
      return Promise.reject(new TimeoutError('no connection within 5 ms', { retryable: true }));
    };
    await expect(new RedisStore({ url: 'redis://h', connectTimeout: 5 }).connect()).rejects.toMatchObject({
      message: 'no connection within 5 ms: refused',
      code: 'ERR_FERRODIS_TIMEOUT',
      retryable: true,
      cause: refused,
    });
  });

  it('is given up by disconnect', async () => {
    const store = new RedisStore({ url: 'redis://h' });
    Connection.readiness = () => new Promise(() => undefined);
    const connecting = store.connect();
    const refusal = expect(connecting).rejects.toThrow(
      new Error('[Conveyor] RedisStore was disconnected during connect()'),
    );
    await Promise.resolve();
    await store.disconnect();
    await refusal;
    for (const link of Connection.opened) expect(link.closed).not.toBeNull();
  });

  it('is refused after disconnect, even one before the first connect', async () => {
    const store = new RedisStore({ url: 'redis://h' });
    await store.disconnect();
    await store.disconnect();
    await expect(store.connect()).rejects.toThrow(
      new Error('[Conveyor] RedisStore cannot be reconnected after disconnect'),
    );
  });
});

describe('disconnect', () => {
  it('closes the connection, forgets the subscribers, and ends all calls', async () => {
    const { store, link } = await connected();
    store.subscribe('q', vi.fn());
    await store[Symbol.asyncDispose]();
    expect(link).toMatchObject({ listenerClosed: true, closed: {} });
    expect(store.localSubscribers.size).toBe(0);
    await expect(store.getJob('q', 'i')).rejects.toThrow(NOT_CONNECTED);
  });
});

describe('a brought client', () => {
  it('lends its server and database, and gets its listeners back', async () => {
    const client = openClient();
    const { store, link } = await connected({ client, url: 'redis://ignored' });
    expect(link.options).toMatchObject({ host: 'brought', port: 7000, db: 4 });
    expect(client.listenerCount('error')).toBe(1);
    client.emit('error', new Error('lost'));
    expect(warn).toHaveBeenCalledWith('[Conveyor] Redis client error:', new Error('lost'));
    await store.disconnect();
    expect([client.listenerCount('error'), client.listenerCount('end')]).toEqual([0, 0]);
  });

  it('takes the store with it when it ends', async () => {
    const client = openClient();
    const { store, link } = await connected({ client });
    client.emit('end');
    expect(store.connected).toBe(false);
    await expect(store.getJob('q', 'i')).rejects.toThrow('The client is closed');
    expect(link.closed).toEqual({ timeoutMs: 0 });
    expect(client.listenerCount('error')).toBe(0);
    await store.connect();
    expect(store.connected).toBe(true);
  });

  it.each([
    ['of node-redis', () => createClient()],
    ['of an unknown kind', () => Object.assign(new EventEmitter(), { isOpen: false })],
  ])('%s that is not open is refused', async (_kind, make) => {
    await expect(new RedisStore({ client: make() }).connect()).rejects.toThrow(
      new Error(
        '[Conveyor] BYO Redis client must already be connected — call `client.connect()` before passing it to `new RedisStore({ client })`',
      ),
    );
  });
});

describe('what a store shows of itself', () => {
  it('has no secrets in it', async () => {
    const { store } = await connected({ url: 'redis://u:hunter2@h', connection: { password: 'hunter2' } });
    expect(inspect(store, { depth: 9, showHidden: true })).not.toContain('hunter2');
    expect(JSON.stringify(store)).toBe('{"keyPrefix":"p","connected":true}');
    expect(store.options.url).toBe('redis://u:hunter2@h');
  });

  it('has the keys of its prefix', () => {
    expect(new RedisStore({ keyPrefix: '' }).keys.schema()).toBe(':schema');
    expect(new RedisStore().keys.schema()).toBe('conveyor:schema');
  });
});

describe('before connect', () => {
  it.each<[string, (store: RedisStore) => Promise<unknown>]>([
    ['saveJob', (store) => store.saveJob('q', freshJob())],
    ['getJob', (store) => store.getJob('q', 'i')],
    ['updateJob', (store) => store.updateJob('q', 'i', {})],
    ['fetchNextJob', (store) => store.fetchNextJob('q', 'w', 1)],
    ['extendLock', (store) => store.extendLock('q', 'i', 1)],
    ['listQueues', (store) => store.listQueues()],
    ['searchJobs', (store) => store.searchJobs({})],
    ['publish', (store) => store.publish({ type: 'job:waiting', queueName: 'q', timestamp: new Date() })],
  ])('%s rejects', async (_method, call) => {
    await expect(call(new RedisStore())).rejects.toThrow(NOT_CONNECTED);
  });

  it('an empty bulk and an empty page need no server', async () => {
    expect(await new RedisStore().saveBulk('q', [])).toEqual([]);
    expect(await new RedisStore().listJobs('q', 'waiting', 5, 5)).toEqual([]);
  });
});

describe('arguments', () => {
  it.each<[string, (store: RedisStore) => Promise<unknown>]>([
    ['saveJob: queueName', (store) => store.saveJob(1 as never, freshJob())],
    ['saveJob: job must', (store) => store.saveJob('q', null as never)],
    ['saveJob: job.name', (store) => store.saveJob('q', { ...freshJob(), name: 1 } as never)],
    ['saveJob: job.id', (store) => store.saveJob('q', { ...freshJob(), id: 1 } as never)],
    ['saveBulk: jobs must', (store) => store.saveBulk('q', 'x' as never)],
    ['saveBulk: jobs[1].state', (store) => store.saveBulk('q', [freshJob(), { ...freshJob(), state: 1 } as never])],
    ['saveFlow: jobs[0].queueName', (store) => store.saveFlow([{ job: freshJob() } as never])],
    ['getJob: jobId', (store) => store.getJob('q', undefined as never)],
    ['updateJob: updates', (store) => store.updateJob('q', 'i', null as never)],
    ['fetchNextJob: workerId', (store) => store.fetchNextJob('q', null as never, 1)],
    ['fetchNextJob: lockDuration', (store) => store.fetchNextJob('q', 'w', 0)],
    ['fetchNextJob: lockDuration', (store) => store.fetchNextJob('q', 'w', NaN)],
    ['fetchNextJob: opts.excludeGroups', (store) => store.fetchNextJob('q', 'w', 1, { excludeGroups: [1] as never })],
    [
      'fetchNextJob: opts.rateLimit.duration',
      (store) => store.fetchNextJob('q', 'w', 1, { rateLimit: { max: 1, duration: 0 } }),
    ],
    ['extendLock: duration', (store) => store.extendLock('q', 'i', -1)],
    ['listJobs: end', (store) => store.listJobs('q', 'waiting', 0, NaN)],
    ['promoteDelayedJobs: timestamp', (store) => store.promoteDelayedJobs('q', Infinity)],
    ['clean: grace', (store) => store.clean('q', 'failed', NaN)],
    ['retryJobs: state', (store) => store.retryJobs('q', 'waiting' as never)],
    ['searchJobs: filter.createdAfter', (store) => store.searchJobs({ createdAfter: new Date(NaN) })],
  ])('%s … is refused by name', async (text, call) => {
    const { store, link } = await connected();
    const refusal = call(store);
    await expect(refusal).rejects.toBeInstanceOf(ArgumentError);
    await expect(refusal).rejects.toThrow(text);
    expect(link.sent).toEqual([]);
  });

  it('that name no state get the errors of the original', async () => {
    const { store } = await connected();
    await expect(store.countJobs('q', 'x' as never)).rejects.toThrow(new Error('[Conveyor] Unhandled JobState: x'));
    await expect(store.listJobs('q', 'x' as never)).rejects.toThrow(new Error('[Conveyor] Unhandled JobState: x'));
    await expect(store.clean('q', 'x' as never, 0)).rejects.toThrow(
      new Error('[Conveyor] Unhandled JobState in clean: x'),
    );
    expect(await store.listJobs('q', 'x' as never, 1, 1)).toEqual([]);
  });
});

describe('saving', () => {
  it('sends id, deduplication, priority and the 28 fields', async () => {
    const { store, link } = await connected();
    link.answers.saveJob = ['won'];
    const job = freshJob({ deduplicationKey: 'k', opts: { priority: -2, deduplication: { ttl: 1.5 } } });
    expect(await store.saveJob('q', job)).toBe('won');
    const [, , , , ...rest] = link.sent[0]?.args ?? [];
    expect(link.sent[0]?.args.slice(0, 2)).toEqual(['p', 'q']);
    expect(rest).toEqual(['1.5', '-2', ...encodeJob(job, 'j1')]);
  });

  it('makes an id up when there is none, and keeps an empty one', async () => {
    const { store, link } = await connected();
    const { id: _id, ...job } = freshJob();
    await store.saveJob('q', job);
    await store.saveJob('q', { ...job, id: '' });
    expect(link.sent[0]?.args[6]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(link.sent[1]?.args[6]).toBe('');
  });

  it.each([
    [undefined, '0'],
    [NaN, '0'],
    [0.5, '0.5'],
  ])('takes priority %s as %s', async (priority, text) => {
    const { store, link } = await connected();
    await store.saveJob('q', freshJob({ opts: priority === undefined ? {} : { priority } }));
    expect(link.sent[0]?.args[5]).toBe(text);
  });

  it('names every call differently', async () => {
    const { store, link } = await connected();
    link.answers.fetchNextJob = [null];
    await store.saveJob('q', freshJob());
    await store.fetchNextJob('q', 'w', 1);
    expect(link.sent[0]?.args[2]).toBe(link.sent[1]?.args[2]);
    expect(link.sent[0]?.args[3]).not.toBe(link.sent[1]?.args[3]);
  });

  it('stages the jobs of a bulk and of a flow', async () => {
    const { store, link } = await connected();
    link.answers.saveBulk = [['a', 'b']];
    link.answers.saveFlow = [['c']];
    const jobs: NewJob[] = [freshJob({ id: 'a' }), freshJob({ id: 'b' })];
    expect(await store.saveBulk('q', jobs)).toEqual(['a', 'b']);
    expect(await store.saveFlow([{ queueName: 'r', job: freshJob({ id: 'c' }) }])).toEqual(['c']);
    expect(link.sent[0]?.staged).toEqual(jobs.flatMap((job) => [null, '0'].concat(encodeJob(job, job.id))));
    expect(link.sent[1]?.staged.slice(0, 4)).toEqual(['r', null, '0', 'c']);
  });

  it('stages nothing when one job of a bulk has no encoding', async () => {
    const { store, link } = await connected();
    link.answers.saveBulk = [['only']];
    await expect(store.saveBulk('q', [freshJob(), freshJob({ data: 1n })])).rejects.toThrow(TypeError);
    await store.saveBulk('q', [freshJob({ id: 'only' })]);
    expect(link.sent).toHaveLength(1);
    expect(link.sent[0]?.staged).toHaveLength(30);
  });
});

describe('leases', () => {
  it('are taken by fetchNextJob and shown by what the worker sends', async () => {
    const { store, link } = await connected();
    link.answers.fetchNextJob = [[record(leased()), []]];
    expect(await store.fetchNextJob('q', 'w', 0.5)).toEqual(leased());
    await store.extendLock('q', 'j1', 30);
    await store.updateJob('q', 'j1', { progress: 5 });
    await store.updateJob('q', 'j1', { state: 'completed', completedAt: new Date(5), lockedBy: null });
    await store.updateJob('q', 'j1', { state: 'completed' });
    const [fetch, extend, progress, completed, after] = link.sent.map(({ args }) => args);
    expect(fetch?.slice(4)).toEqual(['w', '1', '0']);
    expect(extend).toEqual(['p', 'q', 'j1', '30', 'w', '10']);
    expect(progress?.slice(4, 8)).toEqual(['j1', 'w', '10', undefined]);
    expect(completed?.slice(4)).toEqual([
      'j1',
      'w',
      '10',
      undefined,
      '0',
      null,
      '0',
      'state',
      'completed',
      'completedAt',
      '5',
      'lockedBy',
      null,
    ]);
    expect(after?.slice(4, 7)).toEqual(['j1', undefined, undefined]);
  });

  it('that are lost reject with LeaseLostError, every time', async () => {
    const { store, link } = await connected();
    link.answers.fetchNextJob = [[record(leased()), []]];
    link.answers.updateJob = [-2, -2];
    await store.fetchNextJob('q', 'w', 1);
    for (let time = 1; time <= 2; time++) {
      await expect(store.updateJob('q', 'j1', { state: 'completed' })).rejects.toBeInstanceOf(LeaseLostError);
    }
    expect(link.sent.at(-1)?.args.slice(5, 7)).toEqual(['w', '10']);
  });

  it('do not stand in the way of updates that others make', async () => {
    const { store, link } = await connected();
    link.answers.fetchNextJob = [[record(leased()), []]];
    await store.fetchNextJob('q', 'w', 1);
    await store.updateJob('q', 'j1', { cancelledAt: new Date(1) });
    expect(link.sent.at(-1)?.args.slice(5, 7)).toEqual([undefined, undefined]);
  });

  it('end with an update that takes the job away, whoever makes it, but not with a sweep', async () => {
    const { store, link } = await connected();
    link.answers.fetchNextJob = [
      [record(leased()), []],
      [record(leased()), []],
    ];
    link.answers.getStalledJobs = [[record(leased())]];
    await store.fetchNextJob('q', 'w', 1);
    await store.updateJob('q', 'j1', { state: 'delayed', delayUntil: new Date(99) });
    await store.updateJob('q', 'j1', { state: 'completed' });
    expect(link.sent.at(-1)?.args.slice(5, 7)).toEqual([undefined, undefined]);
    await store.fetchNextJob('q', 'w', 1);
    await store.getStalledJobs('q', 1);
    await store.updateJob('q', 'j1', { state: 'waiting', attemptsMade: 1, lockUntil: null, lockedBy: null });
    await store.updateJob('q', 'j1', { state: 'completed' });
    expect(link.sent.at(-1)?.args.slice(5, 7)).toEqual(['w', '10']);
  });

  it('of stalled jobs are taken away once, under the expiry that was seen', async () => {
    const { store, link } = await connected();
    link.answers.getStalledJobs = [[record(leased())]];
    const sweep = { state: 'waiting', attemptsMade: 1, lockUntil: null, lockedBy: null } as const;
    await store.getStalledJobs('q', 1);
    await store.updateJob('q', 'j1', sweep);
    await store.updateJob('q', 'j1', sweep);
    expect(link.sent.slice(1).map(({ args }) => args[7])).toEqual(['20', undefined]);
  });

  it('pass the wishes of the worker on, and leave out what is no wish', async () => {
    const { store, link } = await connected();
    link.answers.fetchNextJob = [null, null, null];
    await store.fetchNextJob('q', 'w', 1, {
      lifo: true,
      jobName: 'n',
      groupConcurrency: 2,
      excludeGroups: ['a', 'b'],
      rateLimit: { max: 3, duration: 1000 },
    });
    await store.fetchNextJob('q', 'w', 1, { jobName: '', groupConcurrency: -1, rateLimit: { max: 0, duration: 0 } });
    const nothing = { jobName: null, groupConcurrency: null, excludeGroups: null, rateLimit: null };
    await store.fetchNextJob('q', 'w', 1, nothing as object);
    expect(link.sent[0]?.args.slice(6)).toEqual(['1', 'n', '3', '1000', '2', 'a', 'b']);
    expect(link.sent[2]?.args.slice(6)).toEqual(['0', null, null, null, null]);
    expect(link.sent[1]?.args.slice(6)).toEqual(['0', null, null, null, null]);
  });

  it('are not given for jobs that were set aside: the log names them', async () => {
    const { store, link } = await connected();
    link.answers.fetchNextJob = [[null, ['bad']]];
    expect(await store.fetchNextJob('q', 'w', 1)).toBeNull();
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('Job bad of queue "q"'));
  });

  it('are not kept for a job whose payload cannot be read: it fails, and the next one is leased', async () => {
    const { store, link } = await connected();
    link.answers.fetchNextJob = [
      [record(leased()).with(21, '{'), []],
      [record(leased({ id: 'j2' })), []],
    ];
    expect((await store.fetchNextJob('q', 'w', 1))?.id).toBe('j2');
    expect(link.sent.map(({ operation }) => operation)).toEqual(['fetchNextJob', 'updateJob', 'fetchNextJob']);
    expect(link.sent[1]?.args.slice(4, 7)).toEqual(['j1', undefined, undefined]);
    expect(link.sent[1]?.args.slice(10, 14)).toEqual(['0', 'state', 'failed', 'failedReason']);
    expect(link.sent[0]?.args[3]).not.toBe(link.sent[2]?.args[3]);
    expect(warn).toHaveBeenCalledOnce();
  });

  it('are extended through passing faults', async () => {
    const { store, link } = await connected();
    link.answers.extendLock = [new ConnectionError('lost', { operation: 'x', retryable: true }), 1];
    expect(await store.extendLock('q', 'i', 5_000)).toBe(true);
    expect(link.sent).toHaveLength(2);
  });

  it('that cannot be extended in their time are lost, without a rejection', async () => {
    const { store, link } = await connected();
    link.answers.extendLock = [new ConnectionError('lost', { operation: 'x', retryable: true })];
    expect(await store.extendLock('q', 'i', 10)).toBe(false);
    expect(warn).toHaveBeenCalledOnce();
  });
});

describe('an update', () => {
  it.each([
    ['waiting', ['1', 'waiting']],
    [
      ['delayed', 'waiting'],
      ['2', 'delayed', 'waiting'],
    ],
    [[], ['1', '']],
    [undefined, ['0']],
  ])('expects %o', async (expectedState, args) => {
    const { store, link } = await connected();
    await store.updateJob('q', 'i', {}, { expectedState } as object);
    expect(link.sent[0]?.args.slice(10)).toEqual(args);
  });

  it('that meets another state has the error of the host, however it came by the class', async () => {
    class InvalidJobStateError extends Error {
      readonly given: unknown[];
      constructor(...given: unknown[]) {
        super('mine');
        this.given = given;
      }
    }
    const { store, link } = await connected({ errors: { InvalidJobStateError } });
    link.answers.updateJob = ['active'];
    const refusal = store.updateJob('q', 'i', {}, { expectedState: ['delayed', 'waiting'] });
    await expect(refusal).rejects.toBeInstanceOf(InvalidJobStateError);
    await expect(refusal).rejects.toMatchObject({ given: ['i', 'active', ['delayed', 'waiting']] });
  });

  it('that meets another state has the fields and text of the original', async () => {
    const { store, link } = await connected();
    link.answers.updateJob = ['active'];
    await expect(store.updateJob('q', 'i', {}, { expectedState: ['delayed', 'waiting'] })).rejects.toMatchObject({
      name: 'InvalidJobStateError',
      message: 'Cannot mutate job i: state is "active", expected "delayed" or "waiting"',
      jobId: 'i',
      currentState: 'active',
      expectedStates: ['delayed', 'waiting'],
    });
  });

  it('to a delay without an end is refused', async () => {
    const { store, link } = await connected();
    link.answers.updateJob = [-1];
    await expect(store.updateJob('q', 'i', { state: 'delayed' })).rejects.toThrow(
      new Error('[Conveyor] updateJob(i): state "delayed" requires a non-null delayUntil'),
    );
  });

  it('of a missing job does nothing', async () => {
    const { store, link } = await connected();
    link.answers.updateJob = [0];
    expect(await store.updateJob('q', 'i', { progress: 1 })).toBeUndefined();
  });

  it('that ends a job is recorded when metrics are on, and a new priority is told', async () => {
    const { store, link } = await connected({ metrics: { enabled: true } });
    await store.updateJob('q', 'i', { state: 'failed' });
    await store.updateJob('q', 'i', { opts: { priority: 3 } });
    expect(link.sent.map(({ args }) => args.slice(8, 10))).toEqual([
      ['1', null],
      ['0', '3'],
    ]);
  });
});

describe('reading many jobs', () => {
  it('leaves out one that cannot be decoded, with a warning', async () => {
    const { store, link } = await connected();
    link.answers.listJobs = [[record(freshJob()), record(freshJob()).with(3, 'odd'), record(freshJob({ id: 'j3' }))]];
    const jobs = await store.listJobs('q', 'waiting', 0, Infinity);
    expect(jobs.map(({ id }) => id)).toEqual(['j1', 'j3']);
    expect(warn).toHaveBeenCalledOnce();
    expect(link.sent[0]?.args).toEqual(['p', 'q', 'waiting', '0', String(Number.MAX_SAFE_INTEGER)]);
  });

  it('reads what a dashboard shows', async () => {
    const { store, link } = await connected();
    link.answers.listQueues = [
      [
        ['q', 1, 2, 3, 4, 5, 6, 1, '99', 7],
        ['r', 0, 0, 0, 0, 0, 0, 0, null, 0],
      ],
    ];
    expect(await store.listQueues()).toEqual([
      {
        name: 'q',
        counts: { waiting: 1, 'waiting-children': 2, delayed: 3, active: 4, completed: 5, failed: 6 },
        isPaused: true,
        latestActivity: new Date(99),
        scheduledCount: 7,
      },
      expect.objectContaining({ name: 'r', isPaused: false, latestActivity: null }),
    ]);
  });

  it('reads a page of a search', async () => {
    const { store, link } = await connected();
    link.answers.searchJobs = [[9, [record(freshJob())]]];
    const filter = { name: 'S', states: ['failed' as const], createdAfter: new Date(1) };
    expect(await store.searchJobs(filter)).toEqual({ total: 9, jobs: [freshJob()] });
    expect(link.sent[0]?.args).toEqual(['p', null, 'S', '1', null, '0', '50', 'failed']);
  });

  it('reads buckets of metrics', async () => {
    const { store, link } = await connected({ metrics: { enabled: true } });
    link.answers.getMetrics = [[['__all__', '60000', 2, 1, '30.5', '10', null]]];
    const from = new Date(0);
    expect(await store.getMetrics('q', { granularity: 'minute', from, to: new Date(9) })).toEqual([
      {
        queueName: 'q',
        jobName: '__all__',
        periodStart: new Date(60_000),
        granularity: 'minute',
        completedCount: 2,
        failedCount: 1,
        totalProcessMs: 30.5,
        minProcessMs: 10,
        maxProcessMs: null,
      },
    ]);
    await store.aggregateMetrics();
    expect(link.sent[1]?.args).toEqual(['p', '1440', '720']);
  });
});

describe('metrics that are off', () => {
  it.each(['getMetrics', 'aggregateMetrics'] as const)('%s says so before it says anything else', async (method) => {
    const store = new RedisStore();
    await expect((store[method] as () => Promise<unknown>)()).rejects.toMatchObject({
      name: 'MetricsDisabledError',
      message: 'Metrics are not enabled. Set metrics.enabled: true in store options.',
    });
  });

  it('say so with the class that was handed in', async () => {
    class MetricsDisabledError extends Error {}
    await expect(new RedisStore({ errors: { MetricsDisabledError } }).aggregateMetrics()).rejects.toBeInstanceOf(
      MetricsDisabledError,
    );
  });
});

describe('publish', () => {
  const event: StoreEvent = { type: 'job:waiting', queueName: 'q', jobId: 'i', timestamp: new Date(3) };

  it('delivers here before its promise is returned, then sends', async () => {
    const { store, link } = await connected();
    const got: StoreEvent[] = [];
    store.subscribe('q', (received) => got.push(received));
    const published = store.publish(event);
    expect(got[0]).toBe(event);
    await published;
    expect(link.sent[0]?.args[1]).toMatch(
      /^\{"type":"job:waiting","queueName":"q","jobId":"i","timestamp":3,"originId":"[0-9a-f-]{36}"\}$/,
    );
  });

  it('delivers nothing when not connected', async () => {
    const store = new RedisStore();
    const callback = vi.fn();
    store.subscribe('q', callback);
    await expect(store.publish(event)).rejects.toThrow(NOT_CONNECTED);
    expect(callback).not.toHaveBeenCalled();
  });

  it('rejects what has no encoding, after delivery here', async () => {
    const { store } = await connected();
    const callback = vi.fn();
    store.subscribe('q', callback);
    await expect(store.publish({ ...event, data: 1n })).rejects.toThrow(TypeError);
    await expect(store.publish({ ...event, timestamp: 3 as never })).rejects.toThrow(TypeError);
    expect(callback).toHaveBeenCalledTimes(2);
  });

  it('does not reject for a fault of the link', async () => {
    const { store, link } = await connected();
    const fault = new ConnectionError('lost', { operation: 'x', retryable: false });
    link.answers.publish = [fault];
    expect(await store.publish(event)).toBeUndefined();
    expect(warn).toHaveBeenCalledExactlyOnceWith('[Conveyor] An event could not be published:', fault);
  });

  it('is part of cancelJob, with one instant for both', async () => {
    const { store, link } = await connected();
    link.answers.cancelJob = [1, 0];
    const got: StoreEvent[] = [];
    store.subscribe('q', (received) => got.push(received));
    expect(await store.cancelJob('q', 'i')).toBe(true);
    expect(await store.cancelJob('q', 'i')).toBe(false);
    expect(got).toEqual([{ type: 'job:cancelled', queueName: 'q', jobId: 'i', timestamp: expect.any(Date) }]);
    const [, , , nowMs, payload] = link.sent[0]?.args ?? [];
    expect(nowMs).toBe(String(got[0]?.timestamp.getTime()));
    expect(JSON.parse(payload ?? '')).toMatchObject({ type: 'job:cancelled', timestamp: Number(nowMs) });
  });
});

describe('faults in the background', () => {
  it('go to the log, as those of the client or of the subscriber', async () => {
    const { link } = await connected();
    const lost = new ConnectionError('lost', { operation: 'connect' });
    const silent = new ConnectionError('silent', { operation: 'subscribe' });
    link.onFault?.(lost);
    link.onFault?.(silent);
    expect(warn.mock.calls).toEqual([
      ['[Conveyor] Redis client error:', lost],
      ['[Conveyor] Redis subscriber error:', silent],
    ]);
  });
});

describe('messages of the channel', () => {
  it('reach the subscribers, and gaps the log', async () => {
    const { store, link } = await connected();
    const callback = vi.fn();
    store.subscribe('q', callback);
    link.listening?.onMessage('{"type":"job:waiting","queueName":"q","timestamp":1,"originId":"x"}');
    link.listening?.onMalformed?.('{');
    link.listening?.onGap?.({ from: new Date(0), to: new Date(1) });
    expect(callback).toHaveBeenCalledOnce();
    expect(warn).toHaveBeenCalledTimes(2);
  });
});

describe('obliterate', () => {
  it('refuses while jobs are active', async () => {
    const { store, link } = await connected();
    link.answers.obliterate = [-3, 1];
    await expect(store.obliterate('q')).rejects.toThrow(
      new Error('[Conveyor] Cannot obliterate queue "q": active jobs exist. Use { force: true } to override.'),
    );
    await store.obliterate('q', { force: true });
    expect(link.sent.map(({ args }) => args)).toEqual([
      ['p', 'q', '0'],
      ['p', 'q', '1'],
    ]);
  });
});
