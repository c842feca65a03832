import { stats } from 'ferrodis';
import { RedisStore } from 'ferrodis/conveyor';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { conveyor, elapse, Warnings } from '../support/conveyor.js';
import { snapshot, violations } from '../support/conveyor-invariants.js';
import { completion, newJob } from '../support/job.js';
import { Proxy } from '../support/proxy.js';

const on = conveyor({ config: { appendonly: 'yes', appendfsync: 'always' } });
let proxy: Proxy;
let store: RedisStore;

beforeAll(async () => {
  proxy = await Proxy.start({ port: on.server.port });
  store = new RedisStore({ url: proxy.url, connection: { callTimeout: 15_000 } });
  await store.connect();
  // The server learns the scripts now: a call whose answer gets lost shall have been carried out.
  await on.store.fetchNextJob('q', 'w', 1000);
  await on.store.notifyChildCompleted('q', 'none');
  await on.store.saveJob('q', newJob('q'));
});

afterEach(() => proxy.heal());

afterAll(async () => {
  await store.disconnect();
  await proxy.stop();
});

/** Cuts every connection but the one that says so. */
async function killClients(): Promise<void> {
  await on.redis.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
}

describe('a connection cut while a call is under way', () => {
  it('lets a repeatable call succeed', async () => {
    const queue = on.queue();
    const id = await store.saveJob(queue, newJob(queue));
    proxy.blackhole('down');
    const read = store.getJob(queue, id);
    await elapse(50);
    proxy.cut();
    proxy.heal();
    expect(await read).toMatchObject({ id });
  });

  it('gives the job that a lost answer leased to the same call, not to nobody', async () => {
    const queue = on.queue();
    await store.saveBulk(queue, [newJob(queue, { id: 'a' }), newJob(queue, { id: 'b' })]);
    proxy.blackhole('down');
    const leased = store.fetchNextJob(queue, 'w', 60_000);
    await expect.poll(() => on.store.getActiveCount(queue)).toBe(1);
    proxy.cut();
    proxy.heal();
    expect(await leased).toMatchObject({ id: 'a', lockedBy: 'w' });
    expect(await on.store.getJobCounts(queue)).toMatchObject({ active: 1, waiting: 1 });
  });

  it('saves a job once when the answer to its save was lost', async () => {
    const queue = on.queue();
    proxy.blackhole('down');
    const saved = store.saveJob(queue, newJob(queue));
    await expect.poll(() => on.store.countJobs(queue, 'waiting')).toBe(1);
    proxy.cut();
    proxy.heal();
    const id = await saved;
    expect((await on.store.listJobs(queue, 'waiting')).map((job) => job.id)).toEqual([id]);
  });

  it('counts a child once when the answer was lost', async () => {
    const queue = on.queue();
    const id = await on.add(queue, { state: 'waiting-children', pendingChildrenCount: 2 });
    proxy.blackhole('down');
    const notified = store.notifyChildCompleted(queue, id);
    await expect.poll(async () => (await on.job(queue, id)).pendingChildrenCount).toBe(1);
    proxy.cut();
    proxy.heal();
    expect(await notified).toBe('waiting-children');
    expect((await on.job(queue, id)).pendingChildrenCount).toBe(1);
  });

  it('never publishes an event twice', async () => {
    const queue = on.queue();
    const events: unknown[] = [];
    on.store.subscribe(queue, (event) => events.push(event.data));
    proxy.blackhole('down');
    const first = store.publish({ type: 'job:progress', queueName: queue, data: 1, timestamp: new Date() });
    await expect.poll(() => events).toEqual([1]);
    proxy.cut();
    proxy.heal();
    await first.catch(() => {});
    await store.publish({ type: 'job:progress', queueName: queue, data: 2, timestamp: new Date() });
    await expect.poll(() => events).toEqual([1, 2]);
  });

  it('sends calls made meanwhile once it is back', async () => {
    const queue = on.queue();
    proxy.refuse();
    const saves = Array.from({ length: 20 }, () => store.saveJob(queue, newJob(queue)));
    await elapse(200);
    proxy.heal();
    expect(await Promise.all(saves)).toHaveLength(20);
    expect(await store.countJobs(queue, 'waiting')).toBe(20);
  });
});

describe('answers that come in pieces', () => {
  it('are put together byte by byte', async () => {
    const queue = on.queue();
    proxy.fragment();
    const data = { text: 'ü'.repeat(500) };
    const id = await store.saveJob(queue, newJob(queue, { data }));
    expect(await store.getJob(queue, id)).toMatchObject({ data });
  });

  it('are put together though events come in between', async () => {
    const queue = on.queue();
    const data = 'x'.repeat(20_000);
    const id = await store.saveJob(queue, newJob(queue, { data }));
    let [told, heard] = [0, 0];
    const tell = (): Promise<void> =>
      on.store.publish({ type: 'job:progress', queueName: queue, data: ++told, timestamp: new Date() });
    store.subscribe(queue, (event) => {
      heard = Number(event.data);
    });
    await expect.poll(() => tell().then(() => heard)).toBeGreaterThan(0);
    await expect.poll(() => heard).toBe(told);
    const connects = (): number[] => stats().connections.map((each) => each.connects);
    const connected = connects();
    // Less than the message has: it must not take the place of what is there.
    proxy.holdAfter(20);
    const job = store.getJob(queue, id);
    await expect.poll(() => proxy.isHolding).toBe(true);
    await tell();
    await expect.poll(() => heard).toBe(told);
    proxy.heal();
    expect(await job).toMatchObject({ data });
    expect(connects()).toEqual(connected);
    store.unsubscribe(queue);
  });

  it('that stop in the middle are asked for again', async () => {
    const queue = on.queue();
    const data = 'x'.repeat(100_000);
    const id = await store.saveJob(queue, newJob(queue, { data }));
    proxy.cutAfter(50_000);
    expect(await store.getJob(queue, id)).toMatchObject({ data });
  });

  it('that stop in the middle with a reset at their heels are asked for again at once', async () => {
    const queue = on.queue();
    const data = 'x'.repeat(100_000);
    const id = await store.saveJob(queue, newJob(queue, { data }));
    // It must not have to find out by the silence of a server, which takes 5 s.
    await using hasty = new RedisStore({ url: proxy.url, connection: { callTimeout: 4500 } });
    await hasty.connect();
    proxy.cutAfter(20_000, 'reset');
    expect(await hasty.getJob(queue, id)).toMatchObject({ data });
  });
});

describe('a connection that answers no more', () => {
  it('is replaced, and the call succeeds on the new one', async () => {
    const queue = on.queue();
    const id = await store.saveJob(queue, newJob(queue));
    proxy.freeze();
    await expect.poll(() => store.getJob(queue, id).catch(() => null), { interval: 200 }).toMatchObject({ id });
  });

  it('rejects a call at its deadline when no new one can be had', async () => {
    const impatient = new RedisStore({ url: proxy.url, connection: { callTimeout: 1500, clientName: 'impatient' } });
    await impatient.connect();
    proxy.blackhole();
    const begun = Date.now();
    await expect(impatient.getJob('q', 'i')).rejects.toMatchObject({ code: 'ERR_FERRODIS_TIMEOUT' });
    // Sooner than a silent connection is given up.
    expect(Date.now() - begun).toBeLessThan(4500);
    proxy.heal();
    await impatient.disconnect();
  });
});

describe('a server that', () => {
  it('has forgotten its scripts is told them again', async () => {
    const queue = on.queue();
    const saves: Array<Promise<string>> = [];
    for (let i = 0; i < 100; i += 1) {
      if (i % 10 === 0) await on.redis.sendCommand(['SCRIPT', 'FLUSH', 'SYNC']);
      saves.push(store.saveJob(queue, newJob(queue)));
    }
    await Promise.all(saves);
    expect(await store.countJobs(queue, 'waiting')).toBe(100);
  });

  it('is busy with a script is waited for', async () => {
    await on.redis.sendCommand(['CONFIG', 'SET', 'lua-time-limit', '50']);
    const other = await on.server.client();
    const endless = other.sendCommand(['EVAL', 'while true do end', '0']).catch(() => {});
    const answer = (): Promise<string> => on.redis.ping().catch((error: Error) => error.message);
    await expect.poll(answer).toMatch(/^BUSY/);
    const counted = store.countJobs(on.queue(), 'waiting');
    await elapse(100);
    await on.redis.sendCommand(['SCRIPT', 'KILL']);
    expect(await counted).toBe(0);
    await endless;
    other.destroy();
  });

  it('is killed and started again goes on with everything that was acknowledged', async () => {
    const queue = on.queue();
    const acknowledged: string[] = [];
    const over = new AbortController();
    const load = (async () => {
      while (!over.signal.aborted) {
        try {
          acknowledged.push(await store.saveJob(queue, newJob(queue)));
        } catch (error) {
          expect(error).toMatchObject({ outcome: expect.stringMatching(/none|unknown/) });
        }
      }
    })();
    await expect.poll(() => acknowledged.length).toBeGreaterThan(0);
    await on.server.kill();
    const before = acknowledged.length;
    await on.server.launch();
    await expect.poll(() => acknowledged.length).toBeGreaterThan(before);
    over.abort();
    await load;
    const found = await snapshot(on.redis, on.keys(queue));
    expect(violations(found, acknowledged)).toEqual([]);
  });
});

describe('a storm of cut connections', () => {
  it('loses no call and no job, and completes each job once', { timeout: 300_000 }, async () => {
    const queue = on.queue();
    const other = await on.open();
    const completed: string[] = [];
    const total = 3000;
    const ids = await store.saveBulk(
      queue,
      Array.from({ length: total }, () => newJob(queue)),
    );
    // Every hundredth job brings the next cut, however slow the machine is. The calls under way survive all of them.
    const work = async (each: RedisStore, worker: string): Promise<void> => {
      while (completed.length < total) {
        const job = await each.fetchNextJob(queue, worker, 60_000);
        if (job === null) {
          await elapse(5);
          continue;
        }
        await each.updateJob(queue, job.id, completion());
        if (completed.push(job.id) % 100 === 0) await killClients();
      }
    };
    await Promise.all([work(store, 'w1'), work(other, 'w2'), work(store, 'w3')]);
    expect(completed.toSorted()).toEqual(ids.toSorted());
    expect(await on.store.countJobs(queue, 'completed')).toBe(total);
  });
});

describe('subscriptions', () => {
  it('come back after a cut, and the gap is told', async () => {
    const warnings = new Warnings();
    const queue = on.queue();
    const listener = new RedisStore({ url: proxy.url, logger: warnings.logger });
    await listener.connect();
    const events: unknown[] = [];
    listener.subscribe(queue, (event) => events.push(event.data));
    proxy.cut();
    await warnings.seen('[Conveyor] Events published between');
    await on.store.publish({ type: 'job:progress', queueName: queue, data: 'after', timestamp: new Date() });
    await expect.poll(() => events).toEqual(['after']);
    await listener.disconnect();
  });

  it('come back when the server cuts subscribers', async () => {
    const warnings = new Warnings();
    const queue = on.queue();
    const listener = await on.open({ logger: warnings.logger });
    const events: unknown[] = [];
    listener.subscribe(queue, (event) => events.push(event.data));
    await on.redis.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await warnings.seen('[Conveyor] Events published between');
    await on.store.publish({ type: 'job:progress', queueName: queue, data: 'after', timestamp: new Date() });
    await expect.poll(() => events).toEqual(['after']);
  });
});
