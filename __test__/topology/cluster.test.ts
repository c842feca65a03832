import { randomUUID } from 'node:crypto';

import { RedisStore, type RedisStoreOptions } from 'ferrodis/conveyor';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { Cluster, type Node } from '../support/cluster.js';
import { elapse, Warnings } from '../support/conveyor.js';
import { completion, newJob } from '../support/job.js';

const PATIENCE = 60_000;

let at: Cluster;
const opened: RedisStore[] = [];

beforeAll(async () => {
  at = await Cluster.start();
}, 180_000);

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.disconnect()));
});

afterAll(() => at.stop());

async function open(options: RedisStoreOptions = {}): Promise<RedisStore> {
  const store = new RedisStore({
    ...options,
    connection: { ...at.options, callTimeout: PATIENCE, ...options.connection },
  });
  opened.push(store);
  await store.connect();
  return store;
}

const keyOf = (queue: string): string => `{conveyor:${queue}}`;

/** Names of queues that lie on three different nodes. */
async function threeQueues(): Promise<string[]> {
  const found = new Map<Node, string>();
  while (found.size < 3) {
    const queue = randomUUID();
    found.set(await at.owner(keyOf(queue)), queue);
  }
  return [...found.values()];
}

/** Saves, leases and completes jobs until told to stop. */
function load(store: RedisStore, queue: string) {
  const saved: string[] = [];
  const done: string[] = [];
  const errors: unknown[] = [];
  const end = new AbortController();
  const workers = Array.from({ length: 6 }, async (_, index) => {
    while (!end.signal.aborted) {
      try {
        saved.push(await store.saveJob(queue, newJob(queue)));
        const job = await store.fetchNextJob(queue, `w${index}`, 60_000);
        if (job !== null) {
          await store.updateJob(queue, job.id, completion());
          done.push(job.id);
        }
      } catch (error) {
        errors.push(error);
      }
      await elapse(1);
    }
  });
  return {
    saved,
    done,
    errors,
    stop: async () => {
      end.abort();
      await Promise.all(workers);
    },
  };
}

/** Has the replica of a master confirm everything that was written so far. */
async function replicated({ server }: Node, tag: string): Promise<void> {
  const client = await server.client();
  const confirm = async (): Promise<unknown> => {
    // The server waits for what this very connection has written.
    await client.sendCommand(['SET', `${tag}mark`, randomUUID()]);
    return client.sendCommand(['WAIT', '1', '5000']);
  };
  await expect.poll(confirm, { timeout: PATIENCE }).toBe(1);
  client.destroy();
}

describe('a cluster', () => {
  it('has each queue on the node of its slot, and events everywhere', async () => {
    const queues = await threeQueues();
    const store = await open();
    const listener = await open();
    const heard: string[] = [];
    for (const queue of queues) {
      listener.subscribe(queue, (event) => heard.push(event.queueName));
      const id = await store.saveJob(queue, newJob(queue, { data: { queue } }));
      expect(await store.getJob(queue, id)).toMatchObject({ id, data: { queue } });
      const ids = await store.saveBulk(queue, [newJob(queue), newJob(queue)]);
      expect(ids).toHaveLength(2);
      const job = await store.fetchNextJob(queue, 'w', 10_000);
      expect(job).toMatchObject({ id });
      await store.updateJob(queue, id, completion());
      expect(await store.getJobCounts(queue)).toMatchObject({ waiting: 2, completed: 1 });
    }
    await expect
      .poll(
        async () => {
          for (const queueName of queues) {
            await store.publish({ type: 'job:progress', queueName, timestamp: new Date() });
          }
          return new Set(heard);
        },
        { timeout: PATIENCE },
      )
      .toEqual(new Set(queues));
    expect((await at.sizes()).every((size) => size > 0)).toBe(true);
    const listed = (await store.listQueues()).map((queue) => queue.name);
    expect(listed).toEqual(expect.arrayContaining(queues));
  });

  it('is searched on every node, and a queue that is obliterated leaves nothing behind', async () => {
    const store = await open({ keyPrefix: 'gone' });
    const queues = Array.from({ length: 6 }, () => randomUUID());
    for (const queue of queues)
      await store.saveBulk(
        queue,
        Array.from({ length: 50 }, () => newJob(queue)),
      );
    for (const queue of queues) await store.obliterate(queue, { force: true });
    for (const node of at.nodes.slice(0, 3)) {
      const keys = (await at.tell(node, 'KEYS', '*gone*')) as string[];
      expect(keys.filter((key) => !/:x:claims:|^gone:schema$/.test(key))).toEqual([]);
    }
  });

  it('refuses a flow whose queues lie on several nodes, before anything is written', async () => {
    const [one, two] = (await threeQueues()) as [string, string];
    const store = await open();
    const flow = [
      { queueName: one, job: newJob(one, { id: 'child', parentId: 'p', parentQueueName: two }) },
      { queueName: two, job: newJob(two, { id: 'p', state: 'waiting-children' as const, pendingChildrenCount: 1 }) },
    ];
    await expect(store.saveFlow(flow)).rejects.toMatchObject({
      code: 'ERR_FERRODIS_UNSUPPORTED',
      operation: 'conveyor.saveFlow',
    });
    expect(await store.getJob(one, 'child')).toBeNull();
    const own = flow.map(({ job }) => ({ queueName: one, job: { ...job, queueName: one } }));
    own[0]!.job.parentQueueName = one;
    expect(await store.saveFlow(own)).toEqual(['child', 'p']);
    expect(await store.getChildrenJobs(one, 'p')).toMatchObject([{ id: 'child' }]);
  });

  it('learns scripts on each node when it needs them', async () => {
    const store = await open();
    const queues = await threeQueues();
    for (const node of at.nodes) await at.tell(node, 'SCRIPT', 'FLUSH');
    for (const queue of queues) expect(await store.saveJob(queue, newJob(queue, { id: 'a' }))).toBe('a');
  });

  it('is no single server: a database and the loop lane are refused', async () => {
    const refused = (connection: object): (() => RedisStore) => {
      return () => new RedisStore({ connection: { ...at.options, ...connection } });
    };
    await expect(async () => refused({ db: 1 })().connect()).rejects.toThrow('db: must be 0 in a cluster');
    await expect(async () => refused({ lane: 'loop' })().connect()).rejects.toThrow('lane: ');
  });
});

describe('a cluster that changes', { timeout: 180_000 }, () => {
  it('while a slot moves, the queue in it stands still and then goes on with every job', async () => {
    const [queue, other] = (await threeQueues()) as [string, string];
    const store = await open();
    const [moving, staying] = [load(store, queue), load(store, other)];
    for (const { saved } of [moving, staying]) await expect.poll(() => saved.length).toBeGreaterThan(100);
    const target = await at.owner(keyOf(other));
    await at.move(keyOf(queue), target, async () => {
      // Commands on single keys follow them; scripts wait.
      const [first] = moving.saved;
      expect(await store.getJob(queue, first!)).toMatchObject({ id: first });
      const before = staying.saved.length;
      await expect.poll(() => staying.saved.length).toBeGreaterThan(before + 20);
    });
    const before = moving.saved.length;
    await expect.poll(() => moving.saved.length, { timeout: PATIENCE }).toBeGreaterThan(before + 50);
    await Promise.all([moving.stop(), staying.stop()]);
    expect([...moving.errors, ...staying.errors]).toEqual([]);
    for (const [name, { saved, done }] of [
      [queue, moving],
      [other, staying],
    ] as const) {
      expect(new Set(saved).size).toBe(saved.length);
      expect(new Set(done).size).toBe(done.length);
      const counts = await store.getJobCounts(name);
      expect(counts).toMatchObject({ completed: done.length, active: 0, waiting: saved.length - done.length });
    }
    expect(await at.owner(keyOf(queue))).toBe(target);
  });

  it('when a master dies under load, its replica takes over and calls go on', async () => {
    const warnings = new Warnings();
    const store = await open({ logger: warnings.logger });
    const queues = await threeQueues();
    const [queue, other] = queues as [string, string];
    const heard: string[] = [];
    for (const name of queues) store.subscribe(name, (event) => heard.push(event.queueName));
    await store.saveJob(queue, newJob(queue, { id: 'before' }));
    const victim = await at.owner(keyOf(queue));
    await replicated(victim, keyOf(queue));
    const [dying, living] = [load(store, queue), load(store, other)];
    for (const { saved } of [dying, living]) await expect.poll(() => saved.length).toBeGreaterThan(50);
    await victim.server.kill();
    const [dead, spared] = [dying.saved.length, living.saved.length];
    const late = store.saveJob(queue, newJob(queue, { id: 'late' }));
    expect(await late).toBe('late');
    await expect.poll(() => dying.saved.length, { timeout: PATIENCE }).toBeGreaterThan(dead + 50);
    await expect.poll(() => living.saved.length, { timeout: PATIENCE }).toBeGreaterThan(spared + 50);
    await Promise.all([dying.stop(), living.stop()]);
    expect([...dying.errors, ...living.errors]).toEqual([]);
    // What the dead master had acknowledged last is lost, as Redis replicates; the others' jobs are all accounted for.
    expect(new Set(living.done).size).toBe(living.done.length);
    expect(await store.getJobCounts(other)).toMatchObject({
      completed: living.done.length,
      active: 0,
      waiting: living.saved.length - living.done.length,
    });
    expect(await store.getJob(queue, 'before')).toMatchObject({ id: 'before' });
    await at.settled();
    await expect
      .poll(
        async () => {
          for (const queueName of queues) {
            await store.publish({ type: 'job:progress', queueName, timestamp: new Date() });
          }
          return new Set(heard);
        },
        { timeout: PATIENCE },
      )
      .toEqual(new Set(queues));
    await victim.server.launch();
    await at.settled();
    expect(await store.saveJob(queue, newJob(queue, { id: 'after' }))).toBe('after');
    expect(warnings.texts.length).toBeGreaterThan(0);
  });
});

describe('without any node', () => {
  it('a call is rejected at its deadline', async () => {
    const store = new RedisStore({ connection: { cluster: [{ host: '127.0.0.1', port: 1 }], callTimeout: 300 } });
    opened.push(store);
    await expect(
      Promise.race([store.connect(), elapse(600).then(() => Promise.reject(new Error('waiting')))]),
    ).rejects.toThrow();
  });

  it('a server that is no cluster is named as the fault of the option', async () => {
    const { Server } = await import('../support/server.js');
    const alone = await Server.start();
    const store = new RedisStore({ connection: { cluster: [{ host: '127.0.0.1', port: alone.port }] } });
    opened.push(store);
    await expect(store.connect()).rejects.toThrow(/cluster: /);
    await alone.stop();
  });
});
