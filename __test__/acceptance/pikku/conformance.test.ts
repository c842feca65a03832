import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { StoreName } from '../../support/pikku/scene.js';
import { Server } from '../../support/server.js';

const PROGRAM = fileURLToPath(new URL('../../support/pikku/conformance.mjs', import.meta.url));

let server: Server;

beforeAll(async () => {
  server = await Server.start();
});

afterAll(async () => {
  await server.stop();
});

/** Runs the suite on an empty server; the names of the tests that passed, and of those that failed. */
async function conformance(store: StoreName): Promise<{ passed: string[]; failed: string[] }> {
  const redis = await server.client();
  await redis.flushAll();
  redis.destroy();
  const output = await new Promise<string>((resolve) => {
    // The exit code says no more than the report does.
    execFile(process.execPath, ['--test-reporter=tap', PROGRAM, store, server.url], (_error, stdout) =>
      resolve(stdout),
    );
  });
  const named = (pattern: RegExp) => [...output.matchAll(pattern)].map(([, name]) => name ?? '');
  const result = { passed: named(/^ +ok \d+ - (.+)$/gm), failed: named(/^ +not ok \d+ - (.+)$/gm) };
  expect(result.passed.length, output).toBeGreaterThan(40);
  return result;
}

describe('the conformance suite of @pikku/core', () => {
  it('passes in full', async () => {
    const { passed, failed } = await conformance('ferrodis');
    expect(failed).toEqual([]);
    expect(passed).toHaveLength(49);
  });

  it('fails on the original where it keeps the error of an attempt that is made again', async () => {
    const { passed, failed } = await conformance('original');
    expect(failed).toEqual(['createRetryAttempt']);
    expect(passed).toHaveLength(48);
  });
});
