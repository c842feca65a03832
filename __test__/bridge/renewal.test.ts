/** Renewal of locks: kept while the holder is at work, also with a busy event loop; lost with one that hangs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Connection, operations, type Reply } from '../../dist/client.js';
import { ArgumentError } from '../../dist/errors.js';
import { renew, renewBy } from '../../dist/renewal.js';
import { Server } from '../support/server.js';

const { command } = operations('redis') as { command: number };
const TTL = 600;
/** That of locks which have to be kept: a machine that stands still for two thirds of it loses them. */
const LONG = 2000;

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

  async function take(connection: Connection, ttlMs = TTL, options: { maxSilenceMs?: number } = {}) {
    const key = `lock:${lane}:${keys++}`;
    await run(connection, 'SET', key, 'me', 'PX', String(ttlMs));
    const onLost = vi.fn();
    return { key, onLost, renewal: renew(connection, { key, owner: 'me', ttlMs, onLost, ...options }) };
  }
  const gone = async (connection: Connection, key: string) => expect.poll(() => run(connection, 'GET', key)).toBeNull();

  test('a lock lives for several of its times to live, and not longer than it is renewed', async () => {
    await using connection = open();
    const { key, renewal, onLost } = await take(connection, LONG);
    await delay(2.2 * LONG);
    expect(await run(connection, 'GET', key)).toBe('me');
    renewal.stop();
    renewal.stop();
    await gone(connection, key);
    expect(onLost).not.toHaveBeenCalled();
  });

  test('an event loop that is busy for less than the time to live keeps its lock', async () => {
    await using connection = open();
    const { key, renewal, onLost } = await take(connection, LONG);
    for (let i = 0; i < 3; i++) {
      block(LONG * 0.5);
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
    await expect.poll(() => onLost.mock.calls.length).toBe(1);
    await gone(connection, key);
    await delay(TTL);
    expect(onLost).toHaveBeenCalledTimes(1);
  });

  test('how long it may be blocked is an option', async () => {
    await using connection = open();
    const { key, renewal, onLost } = await take(connection, LONG, { maxSilenceMs: 60_000 });
    block(1.5 * LONG);
    expect(await run(connection, 'GET', key)).toBe('me');
    expect(onLost).not.toHaveBeenCalled();
    renewal.stop();
  });

  test("a lock that has become another's is left to it, and the loss is told once", async () => {
    await using connection = open();
    const { key, onLost } = await take(connection);
    await run(connection, 'SET', key, 'other', 'PX', '60000');
    await expect.poll(() => onLost.mock.calls.length).toBe(1);
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
    const args = [program(), String(server.port), lane, key, String(LONG), 'hold'];
    const child = spawn(process.execPath, args, { stdio: 'pipe' });
    await once(child.stdout, 'data');
    await delay(1.2 * LONG);
    expect(await run(connection, 'GET', key)).toBe('me');
    child.kill('SIGKILL');
    await gone(connection, key);
  });

  test('a renewal does not keep the process alive', async () => {
    const args = [program(), String(server.port), lane, `exit:${lane}`, String(TTL)];
    const child = spawn(process.execPath, args, { stdio: 'pipe' });
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
    await connection.call(command, (reply) => reply.skip(), 'SET', 'k', 'me', 'PX', String(LONG));
    const onLost = vi.fn();
    renew(connection, { key: 'k', owner: 'me', ttlMs: LONG, onLost });
    await delay(LONG / 2);
    expect(onLost).not.toHaveBeenCalled();
    await own.kill();
    await expect.poll(() => onLost.mock.calls.length).toBe(1);
  } finally {
    await connection.close({ timeoutMs: 0 });
    await own.stop();
  }
});

describe('from the event loop', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('a failure is survived while a later attempt comes in time', async () => {
    const onLost = vi.fn();
    const extend = vi.fn(async () => {
      if (extend.mock.calls.length === 1) throw new Error('away');
      return true;
    });
    const renewal = renewBy(extend, 300, onLost);
    await vi.advanceTimersByTimeAsync(450);
    expect(extend).toHaveBeenCalledTimes(4);
    renewal.stop();
    expect(onLost).not.toHaveBeenCalled();
  });

  test('a loss is told once', async () => {
    const onLost = vi.fn();
    renewBy(async () => false, 60, onLost);
    await vi.advanceTimersByTimeAsync(150);
    expect(onLost).toHaveBeenCalledTimes(1);
  });
});
