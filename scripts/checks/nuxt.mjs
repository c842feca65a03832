/**
 * `ferrodis/nvent` in a real Nuxt application, installed from its tarball: both orders of modules, as a production
 * build moved elsewhere and as a development server, against the results of the published original.
 */
import { strict as assert } from 'node:assert';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis6';
import { calls } from '../../__test__/fixtures/nuxt-app/calls.mjs';
import { buildApp, developApp, folder, freePort, prepareApp, serveApp, until } from '../lib/nuxt-app.mjs';
import { installRuntime, runtimes } from '../lib/runtimes.mjs';
import { addonFile } from '../lib/setup.mjs';
import { CommandFailed, main, run, say, tool } from '../lib/shell.mjs';

const OURS = 'ferrodis/nvent';
const ORIGINAL = '@nvent-addon/adapter-store-redis';
const ORDERS = ['host first', 'store first'];

let passed = 0;
let failed = 0;

/** Counts a check; one that fails does not keep the others from running. */
async function check(name, body) {
  try {
    await body();
    console.log(`  ✓ ${name}`);
    passed++;
  } catch (error) {
    console.log(`  ✗ ${name}: ${error.stack}${error.output ? `\n${error.output}` : ''}`);
    failed++;
  }
}

/** What the database holds, without what depends on the time. */
async function dump(client) {
  const read = {
    string: (key) => ['GET', key],
    hash: (key) => ['HGETALL', key],
    zset: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
    stream: (key) => ['XRANGE', key, '-', '+'],
  };
  const found = {};
  for (const key of (await client.keys('*')).sort()) {
    const type = await client.type(key);
    found[key] = { type, lasts: (await client.ttl(key)) > 0, value: await client.sendCommand(read[type](key)) };
  }
  return withoutTimes(JSON.stringify(found, null, 1));
}

const withoutTimes = (text) => text.replace(/\b\d{13}(-\d+)?\b/g, '<time>');

/** Everything an application answers to all calls on an empty database, and what it leaves there. */
async function drive(app, client) {
  await client.flushAll();
  const results = [];
  for (const [method, ...args] of calls) {
    const { result } = await app.call(method, ...args);
    results.push(`${method}(${args.map((arg) => JSON.stringify(arg)).join(', ')}): ${withoutTimes(result)}`);
  }
  return { results, dump: await dump(client) };
}

/** Connections to the server besides the one that asks. */
const connections = async (client) => (await client.sendCommand(['CLIENT', 'LIST'])).trim().split('\n').length - 1;

/** The result of `body` with a running application, which is ended whatever happens. */
async function using(starting, body) {
  const app = await starting;
  try {
    return await body(app);
  } finally {
    app.kill();
  }
}

/** Copies what was built to where there are no modules around it. */
async function elsewhere(body) {
  const target = mkdtempSync(join(tmpdir(), 'ferrodis-nuxt-'));
  try {
    cpSync(join(folder, '.output'), target, { recursive: true });
    return await body(target);
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

async function production(order, { client, env, buildPort, strangers, expected }) {
  say(`production build, ${order}`);
  await buildApp({ FIXTURE_ORDER: order, FIXTURE_STORE: OURS, FIXTURE_PORT: String(buildPort) });
  await check('the build prerenders without connecting', () => assert.equal(strangers(), 0));
  await check('the addon lies beside the server', () => {
    const files = readdirSync(join(folder, '.output', 'server', 'node_modules'), { recursive: true });
    assert.deepEqual(
      files.filter((file) => file.endsWith('.node')),
      [join('ferrodis', addonFile())],
    );
  });
  await elsewhere(async (target) => {
    await using(serveApp(target, await freePort(), env), async (app) => {
      await check('moved elsewhere it starts, with options from the environment', async () => {
        const { options } = await app.about();
        assert.equal(options.prefix, env.NUXT_NVENT_STORE_REDIS_PREFIX);
        assert.deepEqual(options.streams.trim, { maxLen: 5000, approx: true });
        assert.equal(options.connection.port, Number(env.NUXT_NVENT_STORE_REDIS_CONNECTION_PORT));
      });
      await check('it has no connection before the first call', async () => {
        assert.equal(await connections(client), 0);
      });
      await check('every method does what the original does', async () => {
        assert.deepEqual(await drive(app, client), expected);
      });
      await check('other entries of the package work beside it', async () => {
        assert.equal((await app.other()).store, 'RedisStoreAdapter');
      });
      await check('it is quiet', () => assert.doesNotMatch(app.output, /adapter-store-redis/));
      await check('it ends when told to', async () => {
        assert.equal(await app.stop(), 0);
        await until('all connections are closed', async () => (await connections(client)) === 0);
      });
    });
    const noisy = { ...env, NUXT_NVENT_STORE_REDIS_DEBUG: 'true' };
    await using(serveApp(target, await freePort(), noisy), (app) =>
      check('it prints what the original prints when asked to', async () => {
        await app.call('kv.get', 'x');
        assert.match(app.output, /\[adapter-store-redis\] Initializing with connection:/);
        assert.match(app.output, /\[adapter-store-redis\] Redis store adapter registered/);
        await app.stop();
      }),
    );
  });
}

async function development(order, { client, env, buildPort, expected }) {
  say(`development server, ${order}`);
  const port = await freePort();
  const settings = { ...env, FIXTURE_ORDER: order, FIXTURE_STORE: OURS, FIXTURE_PORT: String(buildPort) };
  await using(developApp(port, settings), async (app) => {
    await check('every method does what the original does', async () => {
      assert.deepEqual(await drive(app, client), expected);
    });
    await check('reloads leave no connection behind', async () => {
      const before = await connections(client);
      for (const generation of [1, 2, 3]) {
        const source = `export const generation = ${generation};\n`;
        writeFileSync(join(folder, 'server', 'utils', 'generation.ts'), source);
        await until(`the server has reloaded`, async () => {
          const about = await app.about().catch(() => undefined);
          return about?.generation === generation;
        });
        // One change may reload it twice.
        await until('it serves calls', () => app.call('kv.get', 'nq:a').catch(() => undefined));
      }
      await until('old connections are gone', async () => (await connections(client)) <= before);
      assert.ok(before > 0);
    });
    await app.stop();
  });
}

/** Nitro's presets for other runtimes that load native addons, and what `lib/runtimes.mjs` calls those. */
const PRESETS = { bun: 'bun', 'deno-server': 'deno' };

async function otherRuntimes({ client, env, buildPort, expected }) {
  if (process.platform !== 'linux') return;
  for (const [preset, name] of Object.entries(PRESETS)) {
    say(`preset ${preset}`);
    const runtime = runtimes.find((candidate) => candidate.name === name);
    const program = { program: await installRuntime(runtime), args: runtime.args };
    await buildApp({ NITRO_PRESET: preset, FIXTURE_STORE: OURS, FIXTURE_PORT: String(buildPort) });
    await elsewhere(async (target) =>
      using(serveApp(target, await freePort(), env, program), (app) =>
        check('every method does what the original does', async () => {
          assert.deepEqual(await drive(app, client), expected);
        }),
      ),
    );
  }
}

/** What the original answers in the same application. */
async function original({ client, env, buildPort }) {
  say('the published original');
  // After the host it would not be found: the host has asked for adapters by then.
  await buildApp({ FIXTURE_ORDER: 'store first', FIXTURE_STORE: ORIGINAL, FIXTURE_PORT: String(buildPort) });
  return using(serveApp(join(folder, '.output'), await freePort(), env), (app) => drive(app, client));
}

async function types() {
  say('types');
  await check('are those of a Nuxt module', () => {
    const options = [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--target',
      'es2022',
      '--module',
      'nodenext',
    ];
    return run(tool('tsc'), [...options, 'types.ts'], { cwd: folder, capture: true });
  });
}

/** A runtime without native code is refused by name, before anything is built. */
async function refusal({ buildPort }) {
  say('a preset without native code');
  await check('is refused by name', async () => {
    const env = { NITRO_PRESET: 'cloudflare-pages', FIXTURE_STORE: OURS, FIXTURE_PORT: String(buildPort) };
    await assert.rejects(buildApp(env), (error) => {
      assert.ok(error instanceof CommandFailed);
      assert.match(error.output, /ferrodis\/nvent: the Nitro preset "cloudflare-pages" cannot load native addons/);
      return true;
    });
  });
}

/** Counts who connects to a port that only builds know. */
async function decoy() {
  let count = 0;
  const server = createServer((socket) => {
    count++;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: server.address().port, count: () => count, close: () => server.close() };
}

main(async () => {
  const { startRedis } = await import('../../dist/testing.js');
  await prepareApp();
  // A server of its own even where REDIS_URL names one: it is emptied.
  const redis = await startRedis({ config: { save: '' } });
  const client = await createClient({ url: redis.url }).connect();
  const nobody = await decoy();
  const env = {
    NUXT_NVENT_STORE_REDIS_CONNECTION_PORT: String(redis.port),
    NUXT_NVENT_STORE_REDIS_PREFIX: 'overridden',
    NUXT_NVENT_STORE_REDIS_STREAMS_TRIM_MAX_LEN: '5000',
  };
  const setting = { client, env, buildPort: nobody.port, strangers: nobody.count };
  try {
    const expected = await original(setting);
    await types();
    await refusal(setting);
    for (const order of ORDERS) await production(order, { ...setting, expected });
    await otherRuntimes({ ...setting, expected });
    for (const order of ORDERS) await development(order, { ...setting, expected });
  } finally {
    nobody.close();
    client.destroy();
    await redis.stop();
  }
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
});
