/** Renewal of locks: kept while the holder is at work, also with a busy event loop; lost with one that hangs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Connection, operations, type Reply } from '../../dist/client.js';
import { ArgumentError } from '../../dist/errors.js';
import { renew, renewBy } from '../../dist/renewal.js';
import { Server } from '../support/server.js';

const { command } = operations('redis') as { command: number };
const TTL = 600;

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(async () => {
  await server.stop();
});

/** Keeps the event loop from doing anything else. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe.each(['loop', 'runtime'] as const)('on the %s lane', (lane) => {
  let keys = 0;
  const open = () => Connection.open({ port: server.port, lane });
  const run = (connection: Connection, ...args: string[]) =>
    connection.call(command, (reply: Reply) => reply.value(), ...args);

  async function take(connection: Connection, options: { maxSilenceMs?: number } = {}) {
    const key = `lock:${lane}:${keys++}`;
    await run(connection, 'SET', key, 'me', 'PX', String(TTL));
    const onLost = vi.fn();
    return { key, onLost, renewal: renew(connection, { key, owner: 'me', ttlMs: TTL, onLost, ...options }) };
  }

  test('a lock lives for several of its times to live, and not longer than it is renewed', async () => {
    await using connection = open();
    const { key, renewal, onLost } = await take(connection);
    await delay(3 * TTL);
    expect(await run(connection, 'GET', key)).toBe('me');
    renewal.stop();
    renewal.stop();
    await vi.waitFor(async () => expect(await run(connection, 'GET', key)).toBeNull(), { timeout: 4 * TTL });
    expect(onLost).not.toHaveBeenCalled();
  });

  test('an event loop that is busy for less than the time to live keeps its lock', async () => {
    await using connection = open();
    const { key, renewal, onLost } = await take(connection);
    for (let i = 0; i < 4; i++) {
      block(TTL * 0.8);
      await delay(1);
    }
    expect(await run(connection, 'GET', key)).toBe('me');
    expect(onLost).not.toHaveBeenCalled();
    renewal.stop();
  });

  test('an event loop that is blocked for longer than allowed loses its lock, and hears of it once', async () => {
    await using connection = open();
    const { key, onLost } = await take(connection);
    block(4 * TTL);
    await vi.waitFor(() => expect(onLost).toHaveBeenCalled());
    expect(await run(connection, 'GET', key)).toBeNull();
    await delay(TTL);
    expect(onLost).toHaveBeenCalledTimes(1);
  });

  test('how long it may be blocked is an option', async () => {
    await using connection = open();
    const { key, renewal, onLost } = await take(connection, { maxSilenceMs: 60_000 });
    block(4 * TTL);
    expect(await run(connection, 'GET', key)).toBe('me');
    expect(onLost).not.toHaveBeenCalled();
    renewal.stop();
  });

  test("a lock that has become another's is left to it, and the loss is told once", async () => {
    await using connection = open();
    const { key, onLost } = await take(connection);
    await run(connection, 'SET', key, 'other', 'PX', '60000');
    await vi.waitFor(() => expect(onLost).toHaveBeenCalled(), { timeout: 4 * TTL });
    await delay(TTL);
    expect(onLost).toHaveBeenCalledTimes(1);
    expect(await run(connection, 'GET', key)).toBe('other');
    expect(await run(connection, 'PTTL', key)).toBeGreaterThan(50_000);
  });

  test('the end of the connection is the loss of its locks', async () => {
    const connection = open();
    const { onLost } = await take(connection);
    await connection.close();
    expect(onLost).toHaveBeenCalledTimes(1);
  });

  test('a process that is killed leaves its lock to run out', async () => {
    await using connection = open();
    const key = `killed:${lane}`;
    const child = spawn(process.execPath, [program(), String(server.port), lane, key, 'hold'], { stdio: 'pipe' });
    await once(child.stdout, 'data');
    await delay(2 * TTL);
    expect(await run(connection, 'GET', key)).toBe('me');
    child.kill('SIGKILL');
    await vi.waitFor(async () => expect(await run(connection, 'GET', key)).toBeNull(), { timeout: 4 * TTL });
  });

  test('a renewal does not keep the process alive', async () => {
    const child = spawn(process.execPath, [program(), String(server.port), lane, `exit:${lane}`], { stdio: 'pipe' });
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
  });

  test('times are checked', async () => {
    await using connection = open();
    const options = { key: 'k', owner: 'me', onLost() {} };
    for (const ttlMs of [0, -1, 1.5, Number.NaN, 2 ** 40]) {
      expect(() => renew(connection, { ...options, ttlMs })).toThrow(ArgumentError);
    }
    expect(() => renew(connection, { ...options, ttlMs: 10, maxSilenceMs: 0 })).toThrow('maxSilenceMs');
  });
});

function program(): string {
  return fileURLToPath(new URL('programs/renewal.mjs', import.meta.url));
}

test('a server that is away for longer than the time to live is a loss', async () => {
  const own = await Server.start();
  const connection = Connection.open({ port: own.port });
  try {
    await connection.call(command, (reply) => reply.skip(), 'SET', 'k', 'me', 'PX', String(TTL));
    const onLost = vi.fn();
    renew(connection, { key: 'k', owner: 'me', ttlMs: TTL, onLost });
    await delay(TTL);
    expect(onLost).not.toHaveBeenCalled();
    await own.kill();
    await vi.waitFor(() => expect(onLost).toHaveBeenCalledTimes(1), { timeout: 6 * TTL });
  } finally {
    await connection.close({ timeoutMs: 0 });
    await own.stop();
  }
});

describe('from the event loop', () => {
  test('a failure is survived while a later attempt comes in time', async () => {
    const onLost = vi.fn();
    const extend = vi.fn(async () => {
      if (extend.mock.calls.length === 1) throw new Error('away');
      return true;
    });
    const renewal = renewBy(extend, 300, onLost);
    await vi.waitFor(() => expect(extend.mock.calls.length).toBeGreaterThan(3));
    renewal.stop();
    expect(onLost).not.toHaveBeenCalled();
  });

  test('a loss is told once', async () => {
    const onLost = vi.fn();
    renewBy(async () => false, 60, onLost);
    await vi.waitFor(() => expect(onLost).toHaveBeenCalled());
    await delay(100);
    expect(onLost).toHaveBeenCalledTimes(1);
  });
});
