import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { RedisDeploymentService } from 'ferrodis/pikku';
import { afterAll, describe, expect, it } from 'vitest';

import { original, siblings } from '../../support/pikku/siblings.js';

const on = siblings();
const servers: HttpServer[] = [];

afterAll(() => {
  for (const server of servers) server.close();
});

interface Heartbeat {
  heartbeatInterval?: number;
  heartbeatTtl?: number;
}

function open(prefix: string, config: Heartbeat = {}, url: string = on.url): RedisDeploymentService {
  return on.keep(new RedisDeploymentService(config, url, prefix));
}

/** A deployment that answers every call with what it was asked, or with a status. */
async function endpoint(status = 200): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.statusCode = status;
      const { method, url, headers } = request;
      response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a deployment', () => {
  it('is found by its functions until it stops', async () => {
    const prefix = on.prefix();
    const [one, two] = [open(prefix), open(prefix)];
    await one.init();
    await one.start({ deploymentId: 'one', endpoint: 'http://one', functions: ['f', 'ns:g'] });
    await two.start({ deploymentId: 'two', endpoint: 'http://two', functions: ['f'] });
    const found = await open(prefix).findFunction('f');
    expect(found.map(({ deploymentId }) => deploymentId).sort()).toEqual(['one', 'two']);
    await expect(open(prefix).findFunction('ns:g')).resolves.toEqual([{ deploymentId: 'one', endpoint: 'http://one' }]);
    await expect(open(prefix).findFunction('none')).resolves.toEqual([]);
    await one.stop();
    await one.stop();
    await expect(open(prefix).findFunction('ns:g')).resolves.toEqual([]);
    await two.stop();
    await expect(on.dump(prefix)).resolves.toEqual({});
  });

  it('serves all functions of the application by default', async () => {
    const prefix = on.prefix();
    const service = open(prefix);
    await service.start({ deploymentId: 'one', endpoint: 'http://one' });
    expect(await on.redis.hGet(`${prefix}:deployment:one`, 'functions')).toBe('[]');
    await service.stop();
  });

  it('expires with its heartbeat', async () => {
    const prefix = on.prefix();
    const service = open(prefix, { heartbeatTtl: 2500 });
    const before = Date.now();
    await service.start({ deploymentId: 'one', endpoint: 'http://one', functions: ['f'] });
    // Whole seconds, of which some have passed.
    const left = await on.redis.pTTL(`${prefix}:deployment:one`);
    expect(left).toBeLessThanOrEqual(3000);
    expect(Date.now() + left).toBeGreaterThanOrEqual(before + 3000);
    const [member] = await on.redis.zRangeWithScores(`${prefix}:fn:f`, 0, -1);
    expect(member?.score).toBeGreaterThanOrEqual(before + 2500);
    await on.redis.zAdd(`${prefix}:fn:f`, { value: 'one', score: Date.now() - 1 });
    await expect(open(prefix).findFunction('f')).resolves.toEqual([]);
    expect(await on.redis.exists(`${prefix}:fn:f`)).toBe(0);
    await service.stop();
  });

  it('comes back with its next heartbeat when its rows were lost, as after a pause', async () => {
    const prefix = on.prefix();
    const service = open(prefix, { heartbeatInterval: 20 });
    await service.start({ deploymentId: 'one', endpoint: 'http://one', functions: ['f'] });
    await on.redis.del([`${prefix}:deployment:one`, `${prefix}:fn:f`]);
    await expect
      .poll(() => open(prefix).findFunction('f'), { timeout: 10_000 })
      .toEqual([{ deploymentId: 'one', endpoint: 'http://one' }]);
    await service.stop();
    await expect(on.dump(prefix)).resolves.toEqual({});
  });

  it('sends no heartbeat after it was stopped', async () => {
    const prefix = on.prefix();
    const service = open(prefix, { heartbeatInterval: 5 });
    await service.start({ deploymentId: 'one', endpoint: 'http://one', functions: ['f'] });
    await service.stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(on.dump(prefix)).resolves.toEqual({});
  });

  it('sends one heartbeat at a time, however long the server is away', async () => {
    const written = async () => Number(/cmdstat_hset:calls=(\d+)/.exec(await on.redis.info('commandstats'))?.[1]);
    const service = open(on.prefix(), { heartbeatInterval: 2 });
    await service.start({ deploymentId: 'one', endpoint: 'http://one', functions: ['f'] });
    await on.redis.sendCommand(['CLIENT', 'PAUSE', '60000', 'WRITE']);
    const before = await written();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const stopped = service.stop();
    await on.redis.sendCommand(['CLIENT', 'UNPAUSE']);
    await stopped;
    expect((await written()) - before).toBeLessThan(20);
  });

  it('without its hash is passed over, and taken off the list', async () => {
    const prefix = on.prefix();
    const service = open(prefix);
    await service.start({ deploymentId: 'one', endpoint: 'http://one', functions: ['f'] });
    await on.redis.zAdd(`${prefix}:fn:f`, { value: 'ghost', score: Date.now() + 60_000 });
    await expect(open(prefix).findFunction('f')).resolves.toHaveLength(1);
    expect(await on.redis.zRange(`${prefix}:fn:f`, 0, -1)).toEqual(['one']);
    await service.stop();
  });

  it('names what is missing of it', async () => {
    const service = open(on.prefix());
    await expect(
      service.start({ deploymentId: 'one', endpoint: undefined as never, functions: ['f'] }),
    ).rejects.toMatchObject({ code: 'ERR_FERRODIS_ARGUMENT', message: 'endpoint is missing' });
  });
});

describe('invoke', () => {
  it('calls the deployment whose heartbeat is freshest', async () => {
    const prefix = on.prefix();
    const services = [open(prefix, { heartbeatTtl: 60_000 }), open(prefix, { heartbeatTtl: 30_000 })];
    const [fresh, stale] = [await endpoint(), await endpoint(500)];
    await services[0]?.start({ deploymentId: 'b', endpoint: fresh, functions: ['a/b'] });
    await services[1]?.start({ deploymentId: 'a', endpoint: stale, functions: ['a/b'] });
    const answer = await open(prefix).invoke('a/b', { x: 1 }, undefined, 'trace-1');
    expect(answer).toMatchObject({
      method: 'POST',
      url: '/remote/rpc/a%2Fb',
      headers: { 'content-type': 'application/json', 'x-request-id': 'trace-1' },
      body: '{"data":{"x":1}}',
    });
    for (const service of services) await service.stop();
  });

  it('signs the call when it has a secret to do so', async () => {
    const prefix = on.prefix();
    const claims: unknown[] = [];
    const jwt = { encode: async (_: unknown, claim: unknown) => (claims.push(claim), 'token') };
    const secrets = { getSecret: async () => ({ reveal: () => 'f'.repeat(64) }) };
    const service = on.keep(new RedisDeploymentService({}, on.url, prefix, jwt, secrets));
    await service.start({ deploymentId: 'one', endpoint: await endpoint(), functions: ['f'] });
    const answer = await service.invoke('f', 1, { userId: 'ada' });
    expect(answer).toMatchObject({ headers: { authorization: 'Bearer token' } });
    expect(claims).toMatchObject([{ aud: 'pikku-remote', fn: 'f' }]);
    await service.stop();
  });

  it('says in the texts of the original what went wrong', async () => {
    const prefix = on.prefix();
    const service = open(prefix);
    await expect(service.invoke('f', 1)).rejects.toThrow(/^No deployment found for function 'f'$/);
    await service.start({ deploymentId: 'one', endpoint: await endpoint(503), functions: ['f'] });
    await expect(service.invoke('f', 1)).rejects.toThrow(/^Remote RPC call to 'f' failed: 503$/);
    await service.stop();
  });
});

describe('round trips', () => {
  it('are one to start and to stop, and two to find', async () => {
    const prefix = on.prefix();
    const service = open(prefix, {}, on.proxy.url);
    await service.findFunction('warm up');
    const functions = Array.from({ length: 50 }, (_, at) => `f${at}`);
    const start = () => service.start({ deploymentId: 'one', endpoint: 'http://one', functions });
    expect(await on.proxy.count(start)).toBe(1);
    expect(await on.proxy.count(() => service.findFunction('f7'))).toBe(2);
    expect(await on.proxy.count(() => service.findFunction('none'))).toBe(1);
    expect(await on.proxy.count(() => service.stop())).toBe(1);
  });
});

describe('beside the original', () => {
  it.each(['0.12.18', '0.12.3'])('writes the same rows as %s, and each finds the other', async (version) => {
    const { RedisDeploymentService: Original } = await original(version);
    const [theirs, ours] = [on.prefix(), on.prefix()];
    const pair = [theirs, ours].map((prefix) => ({
      theirs: on.keep(new Original({}, on.url, prefix)) as RedisDeploymentService,
      ours: open(prefix),
    }));
    const deployment = { deploymentId: 'one', endpoint: await endpoint(), functions: ['f', 'g'] };
    await pair[0]?.theirs.start(deployment);
    await pair[1]?.ours.start(deployment);
    const rows = async (prefix: string) => {
      const found = await on.dump(prefix);
      for (const name of ['fn:f', 'fn:g']) {
        const [member] = found[name] as Array<{ value: string; score: number }>;
        expect(member?.score).toBeGreaterThan(Date.now() + 20_000);
        found[name] = member?.value;
      }
      return found;
    };
    expect(await rows(ours)).toEqual(await rows(theirs));
    if (version === '0.12.3') {
      const found = [{ deploymentId: 'one', endpoint: deployment.endpoint }];
      await expect(pair[1]?.theirs.findFunction('f')).resolves.toEqual(found);
      await expect(pair[0]?.ours.findFunction('f')).resolves.toEqual(found);
    } else {
      await expect(pair[1]?.theirs.invoke('f', 1)).resolves.toMatchObject({ body: '{"data":1}' });
      await expect(pair[0]?.ours.invoke('f', 1)).resolves.toMatchObject({ body: '{"data":1}' });
    }
    await pair[0]?.theirs.stop();
    await pair[1]?.ours.stop();
    await expect(on.dump(theirs)).resolves.toEqual({});
  });
});
