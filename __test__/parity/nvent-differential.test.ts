import { deepStrictEqual } from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';

import type { StoreAdapter } from 'ferrodis/nvent/native';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

import { loadOriginal, nvent } from '../support/nvent.js';
import { anyCall, anyMetadata, type Call, type Ending, perform } from '../support/nvent-calls.js';
import { dumpAll, timelessResult } from '../support/nvent-dump.js';
import { SEED } from '../support/seed.js';
import type { RawClient } from '../support/server.js';

const on = nvent();
const streams = { trim: { maxLen: 6, approx: false } };
let original: StoreAdapter;
let ours: StoreAdapter;
let theirData: RawClient;

beforeAll(async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const Original = await loadOriginal();
  original = new Original({ connection: { host: '127.0.0.1', port: on.server.port, db: 1 }, streams });
  ours = on.open({ streams });
  theirData = await on.server.client(`${on.server.url}/1`);
});

afterAll(async () => {
  await original.close();
  theirData.destroy();
});

/**
 * Calls that, when they fail, leave nothing behind where the original leaves half of what they do: the member without
 * its metadata, the sum without its version. (Defect 10 of the contract.)
 */
const HALF_DONE = new Set(['index.add', 'index.increment', 'kv.increment']);

/** Both got the same call; both must have ended alike, and left the same bytes. */
async function compare(call: Call): Promise<void> {
  if ('command' in call) {
    const sent = [on.redis, theirData].map((redis) => redis.sendCommand([...call.command]).catch(() => 'refused'));
    const [first, second] = await Promise.all(sent);
    expect(first).toEqual(second);
    return;
  }
  const mine = await perform(ours, call.method, call.args);
  const theirs = await perform(original, call.method, call.args);
  expectAlike(mine, theirs, call.method);
  if ('error' in mine && HALF_DONE.has(call.method)) {
    const [here, there] = [await dumpAll(on.redis), await dumpAll(theirData)];
    if (!isDeepStrictEqual(here, there)) await Promise.all([on.redis.flushDb(), theirData.flushDb()]);
  }
}

/**
 * Of two things that are wrong with an `index.add` ours may name the other: it encodes the metadata and looks at the
 * hash before it ranks the member.
 */
function expectAlike(mine: Ending, theirs: Ending, method: string): void {
  const bothRefused = 'error' in mine && 'error' in theirs;
  if (bothRefused && method === 'index.add') return;
  deepStrictEqual(timelessEnding(mine), timelessEnding(theirs));
}

function timelessEnding(ending: Ending): Ending {
  return 'error' in ending ? ending : { result: timelessResult(ending.result) };
}

it(
  'answers thousands of random calls as the original does, and leaves the same bytes',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyCall, { minLength: 20, maxLength: 60 }), async (calls) => {
        await Promise.all([on.redis.flushDb(), theirData.flushDb()]);
        for (const call of calls) await compare(call);
        deepStrictEqual(await dumpAll(on.redis), await dumpAll(theirData));
      }),
      { numRuns: 150, seed: SEED },
    );
  },
);

it('writes metadata of any names as the original does', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(anyMetadata, async (metadata) => {
      await Promise.all([on.redis.flushDb(), theirData.flushDb()]);
      const mine = await perform(ours, 'index.add', ['i', 'e', 1, metadata]);
      const theirs = await perform(original, 'index.add', ['i', 'e', 1, metadata]);
      deepStrictEqual(mine, theirs);
      // A call that fails leaves the bare member of the original only.
      deepStrictEqual(await on.meta('i', 'e'), { ...(await theirData.hGetAll('i:meta:e')) });
    }),
    { numRuns: 600, seed: SEED },
  );
});
