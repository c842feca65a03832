/** `RedisWorkflowService` and the rows of others: older versions, upstream processes at the same time, driven clients. */
import { createRequire } from 'node:module';

import { Redis as Ioredis5 } from 'ioredis5';
import { beforeAll, describe, expect, it, vi } from 'vitest';

import { siblings } from '../../support/pikku/siblings.js';
import { newRun, type OpenService, openService } from '../../support/pikku/workflow.js';

const on = siblings();
let prefix: string;
let service: OpenService;

function open(options: object = {}, below = prefix): OpenService {
  return on.keep(openService(on.url, below, { wireQueues: false, ...options }));
}

beforeAll(async () => {
  prefix = on.prefix();
  service = open();
  await service.init();
});

/** A step as a process of the original writes it: without our index. */
async function theirStep(run: string, name: string, fields: Record<string, string> = {}): Promise<string> {
  const [now, stepId] = [Date.now(), `${run}:${name}:${Date.now()}`];
  const times = { createdAt: String(now), updatedAt: String(now) };
  const row = { stepId, data: '', status: 'pending', attemptCount: '1', ...times, ...fields };
  await on.redis.hSet(`${prefix}:step:${run}:${name}`, row);
  const entry = { stepId, stepName: name, attemptCount: 1, status: row.status, createdAt: now };
  await on.redis.zAdd(`${prefix}:step-history:${stepId}`, { score: 1, value: JSON.stringify(entry) });
  return stepId;
}

describe('rows of older versions', () => {
  it('are read without what they do not have', async () => {
    const id = 'old-run';
    const times = { createdAt: '1700000000000', updatedAt: '1700000000001' };
    await on.redis.hSet(`${prefix}:run:${id}`, { id, workflow: 'w', status: 'running', input: '', ...times });
    expect(await service.getRun(id)).toMatchObject({
      input: undefined,
      graphHash: undefined,
      deterministic: undefined,
      plannedSteps: undefined,
      wire: { type: 'unknown' },
      createdAt: new Date(1_700_000_000_000),
    });
    await theirStep(id, 'node:a', { rpcName: '', result: '', data: '' });
    expect(await service.getStepState(id, 'node:a')).toMatchObject({ rpcName: null, result: undefined });
    await on.redis.hSet(`${prefix}:version:w:h`, { graph: '{"g":1}', source: 'dsl', createdAt: '1' });
    expect(await service.getWorkflowVersion('w', 'h')).toEqual({ graph: { g: 1 }, source: 'dsl' });
  });

  it('that are no more than a status are not seen', async () => {
    const id = 'partial';
    await on.redis.hSet(`${prefix}:run:${id}`, { status: 'failed', updatedAt: '1' });
    await on.redis.hSet(`${prefix}:step:${id}:s`, { status: 'failed', updatedAt: '1' });
    expect(await service.getRun(id)).toBeNull();
    expect(await service.getStepInstances(id)).toEqual([]);
    await expect(service.getStepState(id, 's')).rejects.toThrow('Step not found');
    const made = await service.insertStepState(id, 's', null, null);
    expect(made).toMatchObject({ status: 'pending', attemptCount: 1 });
  });

  it('may have two entries for one attempt: the further one counts, and the next change leaves one', async () => {
    const run = await newRun(service);
    const { stepId } = await service.insertStepState(run, 's', null, null);
    const entry = {
      stepId,
      stepName: 's',
      attemptCount: 1,
      status: 'succeeded',
      result: '"r"',
      createdAt: 5,
      succeededAt: 9,
    };
    const key = `${prefix}:step-history:${stepId}`;
    await on.redis.zAdd(key, { score: 1, value: JSON.stringify(entry) });
    expect(await service.getRunHistory(run)).toMatchObject([{ status: 'succeeded', result: 'r' }]);
    await service.setStepRunning(stepId);
    expect(await on.redis.zCard(key)).toBe(1);
    expect(await service.getRunHistory(run)).toMatchObject([{ status: 'running', result: undefined }]);
  });

  it('that are no JSON fail the read of one, and are left out of a listing', async () => {
    const run = await newRun(service);
    const { stepId } = await service.insertStepState(run, 'bad', null, null);
    await service.insertStepState(run, 'good', null, null);
    await on.redis.hSet(`${prefix}:step:${run}:bad`, 'result', '{');
    await on.redis.zAdd(`${prefix}:step-history:${stepId}`, { score: 2, value: '{' });
    const warn = vi.spyOn(service as unknown as { warn(text: string): void }, 'warn').mockImplementation(() => {});
    await expect(service.getStepState(run, 'bad')).rejects.toThrow(SyntaxError);
    expect((await service.getRunHistory(run)).map(({ stepName }) => stepName)).toEqual(['good']);
    expect(warn).toHaveBeenCalledTimes(1);
    await on.redis.hSet(`${prefix}:run:${run}`, 'input', '{');
    await expect(service.getRun(run)).rejects.toThrow(SyntaxError);
  });

  it('of a key of another type are an error of the server, with nothing written', async () => {
    const run = await newRun(service);
    await on.redis.set(`${prefix}:step:${run}:s`, 'text');
    await expect(service.insertStepState(run, 's', null, null)).rejects.toMatchObject({
      name: 'ReplyError',
      message: expect.stringMatching(/^WRONGTYPE Operation against a key holding the wrong kind of value/),
    });
    expect(await on.redis.keys(`${prefix}:step-history:${run}*`)).toEqual([]);
  });
});

describe('steps that others have made', () => {
  it('are found once, with a walk, in a run that others began', async () => {
    const id = 'their-run';
    const times = { createdAt: '1', updatedAt: '1' };
    await on.redis.hSet(`${prefix}:run:${id}`, { id, workflow: 'w', status: 'running', input: '1', ...times });
    await theirStep(id, 'a:b', { status: 'succeeded', result: '1', branchTaken: 'x' });
    await theirStep(id, 'step');
    const names = async () => (await service.getStepInstances(id)).map(({ stepName }) => stepName).sort();
    expect(await names()).toEqual(['a:b', 'step']);
    expect(await on.redis.hGet(`${prefix}:run:${id}`, 'stepIndex')).toBe('1');
    await service.insertStepState(id, 'ours', null, null);
    expect(await names()).toEqual(['a:b', 'ours', 'step']);
    expect(await service.getRunHistory(id)).toHaveLength(3);
    expect(await service.getCompletedGraphState(id)).toMatchObject({
      completedNodeIds: ['a:b'],
      branchKeys: { 'a:b': 'x' },
    });
  });

  it('are found in runs of ours when the fleet is said to be mixed', async () => {
    const run = await newRun(service);
    await service.insertStepState(run, 'ours', null, null);
    await theirStep(run, 'theirs');
    expect(await service.getStepInstances(run)).toHaveLength(1);
    const mixed = open({ mixedFleet: true });
    expect((await mixed.getStepInstances(run)).map(({ stepName }) => stepName).sort()).toEqual(['ours', 'theirs']);
    expect(await mixed.getRunHistory(run)).toHaveLength(2);
    await mixed.withRunLock(run, async () => {
      expect(await mixed.getStepState(run, 'theirs')).toMatchObject({ status: 'pending' });
    });
  });

  it('are found below a prefix of glob characters', async () => {
    const odd = open({ mixedFleet: true }, 'app[1]*?');
    const run = await newRun(odd);
    await odd.insertStepState(run, 's', null, null);
    expect(await odd.getStepInstances(run)).toHaveLength(1);
  });
});

describe.each([false, true])('sweeps, in a mixed fleet: %s', (mixedFleet) => {
  it('find runs in which nothing is under way, and steps that nobody was told of', async () => {
    const swept = open({ mixedFleet }, on.prefix());
    const run = async (status?: 'scheduled' | 'succeeded' | 'pending') => {
      const id = await newRun(swept);
      const { stepId } = await swept.insertStepState(id, 'x:s', 'rpc', null);
      if (status === 'scheduled') await swept.setStepScheduled(stepId);
      if (status === 'succeeded') await swept.setStepResult(stepId, 1);
      return id;
    };
    const [pending, done, scheduled, ended] = [
      await run(),
      await run('succeeded'),
      await run('scheduled'),
      await run(),
    ];
    await swept.updateRunStatus(ended, 'failed');
    const [past, future] = [new Date(Date.now() - 60_000), new Date(Date.now() + 1000)];
    expect((await swept.findStalledRunIds(future, 10)).sort()).toEqual([pending, done].sort());
    expect(await swept.findStalledRunIds(future, 1)).toHaveLength(1);
    expect(await swept.findStalledRunIds(past, 10)).toEqual([]);
    expect(await swept.findUndispatchedSteps(future, 10)).toEqual([
      { runId: pending, stepId: expect.stringMatching(new RegExp(`^${pending}:x:s:\\d+$`)) },
    ]);
    expect(await swept.findUndispatchedSteps(past, 10)).toEqual([]);
    await swept.claimStepForExecution(pending, 'x:s', 'rpc');
    expect(await swept.findUndispatchedSteps(future, 10)).toEqual([]);
    expect(await swept.findStalledRunIds(future, 10)).toEqual([done]);
    expect(scheduled).not.toBe(done);
  });
});

describe('retention', () => {
  it.each([3, 501])(
    'gives a run of %i steps a time to live with its end, and takes it away when it goes on',
    async (count) => {
      const kept = open({ retentionSeconds: 1000 }, on.prefix());
      const id = await newRun(kept);
      await Promise.all(Array.from({ length: count }, (_, index) => kept.insertStepState(id, `s${index}`, null, null)));
      await kept.updateRunState(id, 'v', 1);
      const lives = async () => {
        const keys = await on.redis.keys(`*${id}*`);
        return [keys.length, new Set(await Promise.all(keys.map(async (key) => (await on.redis.ttl(key)) > 0)))];
      };
      const all = 2 * count + 3;
      expect(await lives()).toEqual([all, new Set([false])]);
      await kept.updateRunStatus(id, 'failed');
      expect(await lives()).toEqual([all, new Set([true])]);
      await kept.updateRunStatus(id, 'running');
      expect(await lives()).toEqual([all, new Set([false])]);
    },
  );
});

describe('a driven client', () => {
  it("gets the original's own commands and comes to the same", async () => {
    const client = Object.assign(new Ioredis5(on.server.port), { [Symbol.for('ferrodis.driven')]: true });
    const driven = openService(client, prefix, { wireQueues: false });
    const id = await newRun(driven);
    const { stepId } = await driven.insertStepState(id, 'a:s', 'rpc', { d: 1 }, { retries: 1, retryDelay: '1s' });
    expect(await driven.claimStepForExecution(id, 'a:s', 'rpc')).toMatchObject({ status: 'running' });
    expect(await driven.claimStepForExecution(id, 'a:s', 'rpc')).toBeNull();
    await driven.setStepError(stepId, new Error('x'));
    expect(await driven.createRetryAttempt(stepId, 'running')).toMatchObject({ attemptCount: 2, error: undefined });
    await driven.setBranchTaken(stepId, 'left');
    expect(await driven.withRunLock(id, () => driven.withStepLock(id, 's', async () => 7))).toBe(7);
    await driven.setStepResult(stepId, [1]);
    await driven.updateRunState(id, 'v', 1);
    await driven.updateRunStatus(id, 'completed', 'out');

    for (const reader of [driven, service]) {
      expect(await reader.getRun(id)).toMatchObject({ status: 'completed', output: 'out' });
      expect(await reader.getStepState(id, 'a:s')).toMatchObject({ status: 'succeeded', result: [1], attemptCount: 2 });
      expect((await reader.getRunHistory(id)).map(({ status }) => status)).toEqual(['failed', 'succeeded']);
      expect(await reader.getCompletedGraphState(id)).toMatchObject({ branchKeys: { 'a:s': 'left' } });
      expect(await reader.getNodeResults(id, ['a:s'])).toEqual({ 'a:s': [1] });
      expect(await reader.getRunState(id)).toEqual({ v: 1 });
    }
    await client.quit();
  });

  it('may be a double that keeps its data in memory', async () => {
    const require = createRequire(new URL('../../fixtures/clients/', import.meta.url));
    const Mock = require('ioredis-mock') as typeof Ioredis5;
    const client = new Mock();
    const driven = openService(client, 'mock', { wireQueues: false });
    const id = await newRun(driven, { a: 1 });
    const { stepId } = await driven.insertStepState(id, 's', 'rpc', null);
    await driven.withRunLock(id, () => driven.setStepResult(stepId, 1));
    await client.hset(`mock:run:${id}`, 'state', '{"old":1}');
    await driven.updateRunState(id, 'new', 2);
    expect(await driven.getRunState(id)).toEqual({ old: 1, new: 2 });
    expect(await driven.getRunHistory(id)).toMatchObject([{ stepName: 's', status: 'succeeded', result: 1 }]);
    expect(await client.exists(`mock:lock:${id}`)).toBe(0);
    await driven.close();
    await client.quit();
  });

  it('of whom nothing but doubles is known is called as the original calls it', async () => {
    const calls: string[] = [];
    const double = {
      hgetall: async () => (calls.push('hgetall'), {}),
      hset: async () => (calls.push('hset'), 1),
      hmset: async (key: string) => (calls.push(`hmset ${key}`), 'OK'),
    };
    const driven = openService(double, 'p', { wireQueues: false });
    const id = await newRun(driven);
    expect(await driven.getRun(id)).toBeNull();
    await driven.updateRunState(id, 'v', 1);
    expect(calls).toEqual([`hmset p:run:${id}`, 'hgetall', 'hset', 'hset']);
  });
});
