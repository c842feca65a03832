/** `RedisWorkflowService`: locks of runs and steps, and the picture of the steps that comes with a run's lock. */
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it, type Mock, vi } from 'vitest';

import { siblings } from '../../support/pikku/siblings.js';
import { newRun, type OpenService, openService } from '../../support/pikku/workflow.js';
import { Proxy } from '../../support/proxy.js';

const on = siblings();
/** Of locks that live shortly: what renews them may be late by most of it. */
const TTL = 3000;
let prefix: string;
let service: OpenService;
let other: OpenService;

function open(options: object = {}): OpenService {
  return on.keep(openService(on.url, prefix, { wireQueues: false, ...options }));
}

/** Waits until the loss of a lock is told. */
async function heard(warn: Mock): Promise<void> {
  await expect.poll(() => warn.mock.calls.length, { timeout: 15_000 }).toBeGreaterThan(0);
}

beforeAll(async () => {
  prefix = on.prefix();
  service = open();
  other = open();
  await Promise.all([service.init(), other.init()]);
});

describe('a lock', () => {
  it('is the key of the original while its body runs, and gone afterwards', async () => {
    const run = await newRun(service);
    for (const [key, within] of [
      [`${prefix}:lock:${run}`, (fn: () => Promise<unknown>) => service.withRunLock(run, fn)],
      [`${prefix}:step-lock:${run}:s:1`, (fn: () => Promise<unknown>) => service.withStepLock(run, 's:1', fn)],
    ] as const) {
      const seen = await within(async () => ({ token: await on.redis.get(key), ttl: await on.redis.pTTL(key) }));
      expect(seen).toMatchObject({ token: expect.stringMatching(/^[0-9a-f-]{36}$/) });
      expect((seen as { ttl: number }).ttl).toBeGreaterThan(25_000);
      expect(await on.redis.exists(key)).toBe(0);
    }
  });

  it('passes on what its body comes to', async () => {
    const run = await newRun(service);
    expect(await service.withRunLock(run, async () => 5)).toBe(5);
    const failure = new Error('mine');
    await expect(service.withRunLock(run, () => Promise.reject(failure))).rejects.toBe(failure);
    await expect(
      service.withStepLock(run, 's', () => {
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(await on.redis.keys(`${prefix}:*lock:${run}*`)).toEqual([]);
  });

  it('is refused after a second, with the words of the original, and is not re-entrant', async () => {
    const run = await newRun(service);
    const refused = (call: Promise<unknown>) => call.then(String, (error: Error) => error.message);
    const [a, b, c] = await service.withRunLock(run, () =>
      service.withStepLock(run, 's', () =>
        Promise.all([
          refused(other.withRunLock(run, async () => 'ran')),
          refused(other.withStepLock(run, 's', async () => 'ran')),
          refused(service.withRunLock(run, async () => 'ran')),
        ]),
      ),
    );
    expect(a).toBe(`Failed to acquire lock for run ${run} after 10 retries`);
    expect(b).toBe(`Failed to acquire step lock for run ${run}, step s after 10 retries`);
    expect(c).toBe(a);
  });

  it('can be waited for longer', async () => {
    const run = await newRun(service);
    const patient = open({ runLockWait: 10_000, stepLockWait: 10_000 });
    let mine: Promise<string> | undefined;
    await service.withRunLock(run, async () => {
      mine = patient.withRunLock(run, async () => 'mine');
      await delay(1500);
    });
    expect(await mine).toBe('mine');
  });

  it('keeps bodies apart, those of one process in the order of their coming', async () => {
    const run = await newRun(service);
    const patient = [open({ runLockWait: 20_000 }), open({ runLockWait: 20_000 })];
    let inside = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        (patient[index % 2] as OpenService).withRunLock(run, async () => {
          expect(++inside).toBe(1);
          order.push(index);
          await delay(5);
          inside--;
        }),
      ),
    );
    for (const parity of [0, 1]) {
      const own = order.filter((index) => index % 2 === parity);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
    expect(order).toHaveLength(16);
  });

  it('outlives its time to live while its body is at work', async () => {
    const run = await newRun(service);
    const [holder, rival] = [open({ lockTTL: TTL }), open({ lockTTL: TTL, runLockWait: 5 * TTL })];
    const events: string[] = [];
    let waiting: Promise<unknown> | undefined;
    await holder.withRunLock(run, async () => {
      waiting = rival.withRunLock(run, async () => events.push('rival'));
      await delay(1.5 * TTL);
      events.push('ended');
    });
    await waiting;
    expect(events).toEqual(['ended', 'rival']);
  });

  it('that was taken, though its reply was lost for good, is given back', async () => {
    const proxy = await Proxy.start({ port: on.server.port });
    const cutOff = on.keep(openService({ url: proxy.url, callTimeout: 4000 }, prefix, { wireQueues: false }));
    const run = await newRun(cutOff);
    await cutOff.withRunLock(run, async () => 'the server knows the script');
    const key = `${prefix}:lock:${run}`;
    proxy.blackhole('down');
    const refused = expect(cutOff.withRunLock(run, async () => 'ran')).rejects.toMatchObject({ outcome: 'unknown' });
    await expect.poll(() => on.redis.exists(key)).toBe(1);
    await refused;
    await expect.poll(() => on.redis.exists(key)).toBe(0);
    proxy.cut();
    proxy.heal();
    await cutOff.close();
    await proxy.stop();
  });

  it('that is lost is told of, and the outcome of its body kept', async () => {
    const run = await newRun(service);
    const losing = open({ lockTTL: TTL });
    const warn = vi.spyOn(losing as unknown as { warn(message: string): void }, 'warn').mockImplementation(() => {});
    const outcome = await losing.withRunLock(run, async () => {
      await on.redis.set(`${prefix}:lock:${run}`, 'theirs');
      await heard(warn);
      return 'done';
    });
    expect(outcome).toBe('done');
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining(`lock:${run}`));
    expect(await on.redis.get(`${prefix}:lock:${run}`)).toBe('theirs');
  });

  it('that is lost rejects its body by option', async () => {
    const run = await newRun(service);
    const strict = open({ lockTTL: TTL, onLockLost: 'reject' });
    const warn = vi.spyOn(strict as unknown as { warn(message: string): void }, 'warn').mockImplementation(() => {});
    const body = strict.withStepLock(run, 's', async () => {
      await on.redis.del(`${prefix}:step-lock:${run}:s`);
      await heard(warn);
    });
    await expect(body).rejects.toMatchObject({ code: 'ERR_FERRODIS_LEASE_LOST' });
  });
});

describe('a run that another has at work', () => {
  it('is not failed by whoever could not get its lock', async () => {
    const run = await newRun(service);
    vi.spyOn(other as unknown as { warn(message: string): void }, 'warn').mockImplementation(() => {});
    await service.withRunLock(run, async () => {
      const error: Error = await other.withRunLock(run, async () => new Error('ran')).catch((reason: Error) => reason);
      const report = other.updateRunStatus(run, 'failed', undefined, { message: error.message });
      await expect(report).rejects.toThrow(error.message);
      expect(await service.getRun(run)).toMatchObject({ status: 'running', error: undefined });
    });
  });

  it('is looked at again later, by the queue that was given', async () => {
    const add = vi.fn(async () => 'id');
    const queued = on.keep(openService(on.url, { add }, prefix, { wireQueues: false }));
    vi.spyOn(queued as unknown as { warn(message: string): void }, 'warn').mockImplementation(() => {});
    vi.spyOn(queued as unknown as { getOrchestratorQueueName(): string }, 'getOrchestratorQueueName').mockReturnValue(
      'q',
    );
    const run = await newRun(queued);
    const message = `Failed to acquire lock for run ${run} after 10 retries`;
    await expect(queued.updateRunStatus(run, 'failed', undefined, { message })).rejects.toThrow(message);
    expect(add).toHaveBeenCalledTimes(1);
    expect(add).toHaveBeenCalledWith('q', { runId: run }, { delay: 1000 });
  });

  it('fails by its own error, also when that speaks of another lock', async () => {
    const run = await newRun(service);
    await service.updateRunStatus(run, 'failed', undefined, {
      message: 'Failed to acquire lock for run x after 10 retries',
    });
    expect((await service.getRun(run))?.status).toBe('failed');
  });
});

describe('the picture of the steps', () => {
  it('is as old as the lock, and knows what this process has written since', async () => {
    const run = await newRun(service);
    const { stepId } = await service.insertStepState(run, 's', 'rpc', null);
    await service.withRunLock(run, async () => {
      await service.setStepRunning(stepId);
      expect((await service.getStepState(run, 's')).status).toBe('running');
      await service.setStepResult(stepId, { a: 1 });
      const [one, two] = [await service.getStepState(run, 's'), await service.getStepState(run, 's')];
      expect(one).toStrictEqual(two);
      expect(one.result).toEqual({ a: 1 });
      expect(one.result).not.toBe(two.result);
      await service.setStepError(stepId, new Error('x'));
      const retried = await service.createRetryAttempt(stepId, 'pending');
      expect(retried).toMatchObject({ attemptCount: 2, error: undefined });
      expect(await service.getStepState(run, 's')).toMatchObject({ attemptCount: 2, status: 'pending' });
    });
    const stored = await service.getStepState(run, 's');
    expect(stored).toMatchObject({ attemptCount: 2, error: { message: 'x' } });
  });

  it('is not seen within a step lock, in other contexts, and after the lock is given back', async () => {
    const run = await newRun(service);
    const { stepId } = await service.insertStepState(run, 's', 'rpc', null);
    let later: Promise<string> | undefined;
    await service.withRunLock(run, async () => {
      await other.setStepResult(stepId, 1);
      expect((await service.getStepState(run, 's')).status).toBe('pending');
      const seen = await service.withStepLock(run, 's', () => service.getStepState(run, 's'));
      expect(seen.status).toBe('succeeded');
      later = delay(100).then(async () => (await service.getStepState(run, 's')).status);
    });
    expect(await later).toBe('succeeded');
  });

  it('gives a step that another has made meanwhile to whoever wants to make it', async () => {
    const run = await newRun(service);
    await service.withRunLock(run, async () => {
      const theirs = await other.insertStepState(run, 's', 'rpc', null);
      await expect(service.getStepState(run, 's')).rejects.toThrow('Step not found');
      expect((await service.insertStepState(run, 's', 'rpc', null)).stepId).toBe(theirs.stepId);
      expect((await service.getStepState(run, 's')).stepId).toBe(theirs.stepId);
    });
  });
});
