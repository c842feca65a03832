import { randomUUID } from 'node:crypto';

import { RedisStore, type RedisStoreOptions } from 'ferrodis/conveyor';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { elapse, Warnings } from '../support/conveyor.js';
import { FakeSentinel } from '../support/fake-sentinel.js';
import { newJob } from '../support/job.js';
import { MASTER, Sentinels } from '../support/sentinel.js';
import type { Server } from '../support/server.js';

/** A failover takes seconds here, and a call may have to wait for it. */
const PATIENCE = 60_000;

let at: Sentinels;
const opened: RedisStore[] = [];

beforeAll(async () => {
  at = await Sentinels.start();
}, 180_000);

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.disconnect()));
});

afterAll(() => at.stop());

async function open(options: RedisStoreOptions = {}): Promise<RedisStore> {
  const store = new RedisStore({
    ...options,
    ...(options.url === undefined && { connection: { ...at.options, callTimeout: PATIENCE, ...options.connection } }),
  });
  opened.push(store);
  await store.connect();
  return store;
}

/** Where a connected store's calls go: the server that sees its client. */
async function serverOf(name: string): Promise<Server[]> {
  const lists = at.servers.map(async (server) => {
    const list = await at.tell(server, 'CLIENT', 'LIST').catch(() => '');
    return String(list).includes(`name=${name} `) ? [server] : [];
  });
  return (await Promise.all(lists)).flat();
}

/** Has both replicas confirm everything that was written so far. */
async function replicated(master: Server): Promise<void> {
  const client = await master.client();
  const confirm = async (): Promise<unknown> => {
    await client.set('mark', randomUUID());
    return client.sendCommand(['WAIT', '2', '5000']);
  };
  // A replica that was told to follow somebody else a moment ago may be on its way still.
  await expect.poll(confirm, { timeout: PATIENCE }).toBe(2);
  client.destroy();
}

/** Saves jobs one after the other until told to stop; `saved` has the ids whose save was acknowledged. */
function load(store: RedisStore, queue: string) {
  const saved: string[] = [];
  const errors: unknown[] = [];
  const end = new AbortController();
  const workers = Array.from({ length: 8 }, async () => {
    while (!end.signal.aborted) {
      try {
        saved.push(await store.saveJob(queue, newJob(queue)));
      } catch (error) {
        errors.push(error);
      }
      await elapse(1);
    }
  });
  return {
    saved,
    errors,
    stop: async () => {
      end.abort();
      await Promise.all(workers);
    },
  };
}

async function missing(store: RedisStore, queue: string, ids: readonly string[]): Promise<string[]> {
  const found = await Promise.all(ids.map((id) => store.getJob(queue, id)));
  return ids.filter((_, index) => found[index] === null);
}

describe('finding the master', () => {
  it('goes to the master that the sentinels name, for calls and for events', async () => {
    const store = await open({ connection: { clientName: 'finder' } });
    store.subscribe('q', () => {});
    const queue = randomUUID();
    const id = await store.saveJob(queue, newJob(queue));
    expect(await store.getJob(queue, id)).toMatchObject({ id });
    await expect.poll(() => serverOf('finder')).toEqual([await at.master()]);
  });

  it('takes the sentinels from a URL', async () => {
    const store = await open({ url: at.url });
    const queue = randomUUID();
    expect(await store.saveJob(queue, newJob(queue, { id: 'a' }))).toBe('a');
  });

  it('passes over a sentinel that cannot be reached and one that is behind', async () => {
    const master = await at.master();
    const replica = at.servers.find((server) => server !== master)!;
    const stale = await FakeSentinel.start(replica.port);
    const sentinels = [{ host: '127.0.0.1', port: 1 }, stale.address, ...at.options.sentinels];
    const store = await open({ connection: { sentinels, clientName: 'careful' } });
    const queue = randomUUID();
    expect(await store.saveJob(queue, newJob(queue, { id: 'a' }))).toBe('a');
    await expect.poll(() => serverOf('careful')).toEqual([master]);
    await stale.stop();
  });

  it('dials what the address map says', async () => {
    const stale = await FakeSentinel.start(6379);
    const natMap = { '127.0.0.1:6379': { host: '127.0.0.1', port: (await at.master()).port } };
    const store = await open({ connection: { sentinels: [stale.address], natMap } });
    const queue = randomUUID();
    expect(await store.saveJob(queue, newJob(queue, { id: 'a' }))).toBe('a');
    await stale.stop();
  });

  it('rejects a call at once when no sentinel knows the name', async () => {
    await expect(open({ connection: { sentinelName: 'nobody' } })).rejects.toMatchObject({
      message: expect.stringContaining('sentinelName: ') as string,
    });
  });
});

describe('a failover', { timeout: 180_000 }, () => {
  it('that is asked for costs no call, and events go on', async () => {
    const store = await open();
    const listener = await open();
    const queue = randomUUID();
    const heard: string[] = [];
    listener.subscribe(queue, (event) => heard.push(event.jobId ?? ''));
    const writing = load(store, queue);
    await expect.poll(() => writing.saved.length).toBeGreaterThan(100);
    const before = [...writing.saved];
    await replicated(await at.master());
    const master = await at.failover();
    await at.follows(at.servers.find((server) => server !== master)!);
    await elapse(300);
    await writing.stop();
    expect(writing.errors).toEqual([]);
    expect(await missing(store, queue, before)).toEqual([]);
    await expect
      .poll(
        async () => {
          await store.publish({ type: 'job:progress', queueName: queue, jobId: 'after', timestamp: new Date() });
          return heard.includes('after');
        },
        { timeout: PATIENCE },
      )
      .toBe(true);
  });

  it('after the death of the master loses nothing that a replica had confirmed', async () => {
    const store = await open({ connection: { clientName: 'survivor' } });
    const queue = randomUUID();
    const old = await at.master();
    const writing = load(store, queue);
    await expect.poll(() => writing.saved.length).toBeGreaterThan(100);
    const confirmed = [...writing.saved];
    await replicated(old);
    await old.kill();
    const master = await at.successor(old);
    const resumed = writing.saved.length;
    await expect.poll(() => writing.saved.length, { timeout: PATIENCE }).toBeGreaterThan(resumed + 20);
    await writing.stop();
    expect(writing.errors).toEqual([]);
    expect(await missing(store, queue, confirmed)).toEqual([]);
    // A call may be acknowledged by the old master just before it dies; those after it are on the new one.
    expect(await missing(store, queue, writing.saved.slice(resumed + 8))).toEqual([]);
    // It comes back believing that it is a master, and is not taken for one.
    await old.launch();
    await at.follows(old);
    expect(await store.saveJob(queue, newJob(queue, { id: 'late' }))).toBe('late');
    await expect.poll(() => serverOf('survivor')).toEqual([master]);
    await at.agree(2);
  });

  it('leaves a frozen master behind, which comes back as a replica', async () => {
    const store = await open({ connection: { clientName: 'thawed' } });
    const queue = randomUUID();
    const heard: string[] = [];
    store.subscribe(queue, (event) => heard.push(event.jobId ?? ''));
    await store.saveJob(queue, newJob(queue, { id: 'before' }));
    const old = await at.master();
    await replicated(old);
    old.signal('SIGSTOP');
    const during = store.saveJob(queue, newJob(queue, { id: 'during' }));
    const master = await at.successor(old);
    expect(await during).toBe('during');
    expect(await missing(store, queue, ['before', 'during'])).toEqual([]);
    old.signal('SIGCONT');
    await at.follows(old);
    expect(await store.saveJob(queue, newJob(queue, { id: 'after' }))).toBe('after');
    expect(await missing(store, queue, ['before', 'during', 'after'])).toEqual([]);
    await expect.poll(() => serverOf('thawed'), { timeout: PATIENCE }).toEqual([master]);
    const other = await open();
    await expect
      .poll(
        async () => {
          await other.publish({ type: 'job:progress', queueName: queue, jobId: 'event', timestamp: new Date() });
          return heard.includes('event');
        },
        { timeout: PATIENCE },
      )
      .toBe(true);
    await at.agree(2);
  });
});

describe('without any sentinel', { timeout: 120_000 }, () => {
  it('a link goes on, a new one is tried until the deadline and comes about later', async () => {
    const warnings = new Warnings();
    const linked = await open();
    const queue = randomUUID();
    await linked.saveJob(queue, newJob(queue, { id: 'a' }));
    await Promise.all(at.sentinels.map((sentinel) => sentinel.kill()));
    expect(await linked.saveJob(queue, newJob(queue, { id: 'b' }))).toBe('b');

    const store = new RedisStore({ connection: { ...at.options, callTimeout: 2000 }, logger: warnings.logger });
    opened.push(store);
    const connecting = store.connect();
    await warnings.seen('');
    await expect(store.getJob(queue, 'a')).rejects.toThrow();
    await Promise.all(at.sentinels.map((sentinel) => sentinel.launch()));
    await connecting;
    await expect.poll(() => store.getJob(queue, 'a').catch(() => null)).toMatchObject({ id: 'a' });
    await at.agree(2);
  });
});

describe('credentials', () => {
  let guarded: Sentinels;

  beforeAll(async () => {
    guarded = await Sentinels.start({ replicas: 1, password: 'data', sentinelPassword: 'asks' });
  }, 180_000);

  afterAll(() => guarded.stop());

  it('are told apart: the sentinels have theirs, the servers theirs', async () => {
    const options = { ...guarded.options, password: 'data', sentinelPassword: 'asks' };
    const store = await open({ connection: options });
    const queue = randomUUID();
    expect(await store.saveJob(queue, newJob(queue, { id: 'a' }))).toBe('a');
    await expect(open({ connection: { ...options, sentinelPassword: 'wrong' } })).rejects.toMatchObject({
      message: expect.stringMatching(/^(?!.*wrong).*a sentinel cannot be asked: WRONGPASS/) as string,
    });
    await expect(open({ connection: { ...options, password: 'wrong' } })).rejects.toMatchObject({
      message: expect.stringMatching(/^(?!.*sentinel).*WRONGPASS/) as string,
    });
    expect(MASTER).toBe(options.sentinelName);
  });
});
