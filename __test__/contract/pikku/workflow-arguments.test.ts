/** `RedisWorkflowService`: every form of its constructor, with the keys that it leads to. */
import { Redis as Ioredis5 } from 'ioredis5';
import { Redis as Ioredis6 } from 'ioredis6';
import { RedisWorkflowService } from 'ferrodis/pikku';
import { describe, expect, it } from 'vitest';

import { siblings } from '../../support/pikku/siblings.js';
import { newRun, openService } from '../../support/pikku/workflow.js';

const on = siblings();
const queue = { add: async () => 'id' };
const quiet = { wireQueues: false };

/** The key of a run of a service made from these arguments. */
async function keyOf(...args: unknown[]): Promise<string> {
  const service = on.keep(openService(on.url, ...args));
  const id = await newRun(service);
  const [key] = await on.redis.keys(`*${id}`);
  return String(key).replace(id, 'R');
}

describe('the arguments after the connection', () => {
  it.each<[string, unknown[], string]>([
    ['prefix', ['p'], 'p:run:R'],
    ['prefix, options', ['p', quiet], 'p:run:R'],
    ['empty prefix', ['', quiet], ':run:R'],
    ['undefined, prefix', [undefined, 'p', quiet], 'p:run:R'],
    ['null, prefix', [null, 'p', quiet], 'p:run:R'],
    ['undefined, options', [undefined, quiet], 'workflows:run:R'],
    ['null', [null], 'workflows:run:R'],
    ['nothing', [], 'workflows:run:R'],
    ['queue, prefix', [queue, 'p', quiet], 'p:run:R'],
    ['queue, options', [queue, quiet], 'workflows:run:R'],
    ['queue', [queue], 'workflows:run:R'],
    ['options early', [quiet], 'workflows:run:R'],
  ])('%s', async (_, args, key) => {
    expect(await keyOf(...args)).toBe(key);
  });

  it('give the queue where one is given', () => {
    expect(on.keep(openService(on.url, queue, 'p')).queue).toBe(queue);
    expect(on.keep(openService(on.url, 'p')).queue).toBeNull();
  });

  it.each<[string, unknown[], string]>([
    ['two prefixes', ['p', 'q'], 'keyPrefix'],
    ['something that is no queue', [{}, 'p'], 'queue'],
    ['options that are none', ['p', 5], 'options'],
    ['a retention of no length', ['p', { retentionSeconds: 0 }], 'retentionSeconds'],
    ['another mode of insertion', ['p', { insertMode: 'x' }], 'insertMode'],
    ['a lock that does not live', ['p', { lockTTL: -1 }], 'lockTTL'],
  ])('are refused: %s', (_, args, named) => {
    expect(() => openService(on.url, ...args)).toThrow(named);
  });
});

describe('the connection', () => {
  it('may be a URL, or options of ours or of ioredis', async () => {
    const { port } = on.server;
    for (const connection of [on.url, { port }, { host: 'localhost', port, maxRetriesPerRequest: null }]) {
      const service = openService(connection, on.prefix(), quiet);
      await service.init();
      expect(await service.getRun(await newRun(service))).toMatchObject({ status: 'running' });
      await service.close();
      await service.close();
      await expect(service.getRun('x')).rejects.toThrow('Connection is closed.');
    }
  });

  it.each([
    ['5', Ioredis5],
    ['6', Ioredis6 as unknown as typeof Ioredis5],
  ])('may be a client of ioredis %s, whose own prefix and database count and which stays open', async (_, Redis) => {
    const client = new Redis(on.server.port, { keyPrefix: 'app[1]:', db: 3 });
    const service = openService(client, 'p', quiet);
    const id = await newRun(service);
    const { stepId } = await service.insertStepState(id, 's', null, null);
    await service.withRunLock(id, () => service.setStepResult(stepId, 1));
    expect(await service.getRunHistory(id)).toMatchObject([{ status: 'succeeded', result: 1 }]);
    expect(await client.hget(`p:run:${id}`, 'id')).toBe(id);
    await service.close();
    expect(await client.ping()).toBe('PONG');
    await client.quit();
  });

  it('leaves the names on the instance that programs reach for', async () => {
    const client = new Ioredis5(on.server.port);
    const service = new RedisWorkflowService(client, 'p', quiet) as unknown as Record<string, unknown> &
      Record<string, (...args: string[]) => string>;
    expect(service).toMatchObject({ redis: client, keyPrefix: 'p', ownsConnection: false, lockTTL: 30_000 });
    expect(service['runKey']?.('r')).toBe('p:run:r');
    expect(service['stepKey']?.('r', 's')).toBe('p:step:r:s');
    expect(service['stepHistoryKey']?.('i')).toBe('p:step-history:i');
    expect(service['lockKey']?.('r')).toBe('p:lock:r');
    expect(service['stepLockKey']?.('r', 's')).toBe('p:step-lock:r:s');
    expect(service['runStateKey']?.('r')).toBe('p:run-state:r');
    expect(service['versionKey']?.('n', 'h')).toBe('p:version:n:h');
    await client.quit();
  });
});
