/** The bridge and the life of the process: it ends by itself, on demand, and thread by thread, without a trace. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startRedis, type RedisServer } from 'ferrodis/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const execute = promisify(execFile);

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
});

describe.each(['loop', 'runtime'])('on the %s lane', (lane) => {
  /** Runs a program to its end; it fails when the program crashes, or does not end in time. */
  async function run(program: string, ...args: string[]): Promise<string> {
    const file = fileURLToPath(new URL(`programs/${program}.mjs`, import.meta.url));
    const { stdout, stderr } = await execute(
      process.execPath,
      ['--expose-gc', file, String(redis.port), lane, ...args],
      { timeout: 60_000, env: { ...process.env, FERRODIS_LANE: lane } },
    );
    expect(stderr).toBe('');
    return stdout.trim();
  }

  test('a process with an idle connection ends by itself', async () => {
    expect(await run('idle')).toBe('PONG');
  });

  test('a pending call keeps the process alive until it is settled', async () => {
    expect(await run('pending')).toBe('settled 5000000');
  });

  test('a process that exits in the middle of calls exits cleanly', async () => {
    expect(await run('exit')).toBe('');
  });

  test(
    'terminating busy worker threads harms neither the process nor the other threads',
    { timeout: 60_000 },
    async () => {
      expect(await run('terminate', '25')).toBe('alive');
    },
  );

  test('a hundred thousand calls and twenty connections leave no memory behind', { timeout: 60_000 }, async () => {
    expect(Number(await run('leak'))).toBeLessThan(16);
  });

  test('a process that brought clients ends by itself once they have ended', async () => {
    expect(await run('brought-exit')).toBe(Array.from({ length: 8 }, () => 'PONG').join(' '));
  });

  test('a question that is never answered keeps no thread from ending', { timeout: 60_000 }, async () => {
    expect(await run('brought-unanswered', '5')).toBe('PONG');
  });

  test('six hundred brought clients leave no memory behind', { timeout: 60_000 }, async () => {
    expect(Number(await run('brought-leak'))).toBeLessThan(16);
  });
});

test('the trace switch tells every crossing, and nothing of its arguments', async () => {
  const file = fileURLToPath(new URL('programs/idle.mjs', import.meta.url));
  const env = { ...process.env, FERRODIS_TRACE: '1' };
  const { stdout, stderr } = await execute(process.execPath, [file, String(redis.port), 'loop'], { env });
  expect(stdout.trim()).toBe('PONG');
  expect(stderr).toContain('ferrodis submit {\nferrodis submit }\n');
  expect(stderr).not.toContain('PING');
});
