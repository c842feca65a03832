import { existsSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import { describe, expect, it } from 'vitest';

import nventModule, { type ModuleOptions } from '../../ts/nvent/index.js';
import type { NitroOptions, ResolvedOptions } from '../../ts/nvent/nitro.js';
import { storeOptions } from '../../ts/nvent/options.js';

type Initialised = (nitro: { options: ResolvedOptions }) => void;

/** As much of Nuxt as the module touches, with the user's configuration. */
function fakeNuxt(config: { nventStoreRedis?: ModuleOptions; nitro?: NitroOptions } = {}) {
  const hooks = new Map<string, Initialised>();
  return {
    options: { runtimeConfig: {} as Record<string, unknown>, nitro: {} as NitroOptions, ...config },
    hook: (name: string, listener: Initialised) => hooks.set(name, listener),
    hooks,
  };
}

async function install(nuxt: ReturnType<typeof fakeNuxt>, inline: ModuleOptions = {}) {
  await nventModule(inline, nuxt as never);
  return nuxt.options;
}

const OURS = /^ferrodis(?:\/|$)/;

describe('what Nuxt sees of the module', () => {
  it('is configured under the key of the original, and named otherwise', async () => {
    const meta = await nventModule.getMeta?.();
    expect(meta).toMatchObject({ name: 'ferrodis/nvent', configKey: 'nventStoreRedis' });
    expect(meta?.version).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('is set up once, however often it is listed', async () => {
    const nuxt = fakeNuxt();
    await install(nuxt);
    await install(nuxt);
    expect(nuxt.options.nitro.plugins).toHaveLength(1);
  });
});

describe('runtime configuration', () => {
  it('has the defaults of the original, and no connection', async () => {
    const { runtimeConfig } = await install(fakeNuxt());
    expect(runtimeConfig).toStrictEqual({
      nventStoreRedis: {
        prefix: 'nvent',
        streams: { trim: { maxLen: 10_000, approx: true } },
        strict: false,
        debug: false,
      },
    });
  });

  it('merges inline options, the configuration and the defaults, in this order', async () => {
    const nventStoreRedis = { prefix: 'config', streams: { trim: { maxLen: 5 } }, connection: { host: 'a', db: 2 } };
    const inline = { prefix: 'inline', connection: { host: 'b' } };
    const { runtimeConfig } = await install(fakeNuxt({ nventStoreRedis }), inline);
    expect(runtimeConfig['nventStoreRedis']).toStrictEqual({
      prefix: 'inline',
      connection: { host: 'b', db: 2 },
      streams: { trim: { maxLen: 5, approx: true } },
      strict: false,
      debug: false,
    });
  });

  it('is private', async () => {
    const nuxt = fakeNuxt();
    nuxt.options.runtimeConfig = { public: {} };
    const { runtimeConfig } = await install(nuxt);
    expect(runtimeConfig['public']).toEqual({});
  });
});

describe('the Nitro plugin', () => {
  it('comes before all others, so that it has subscribed when the host calls', async () => {
    const { nitro } = await install(fakeNuxt({ nitro: { plugins: ['host', 'other'] } }));
    expect(nitro.plugins?.slice(1)).toEqual(['host', 'other']);
    expect(basename(nitro.plugins?.[0] as string)).toBe('plugin.js');
    expect(isAbsolute(nitro.plugins?.[0] as string)).toBe(true);
  });
});

describe('native code in the server build', () => {
  it('is traced by absolute paths, beside what the user traces', async () => {
    const { nitro } = await install(fakeNuxt({ nitro: { externals: { traceInclude: ['/own.js'], inline: ['x'] } } }));
    const [own, ...entries] = nitro.externals?.traceInclude ?? [];
    expect(own).toBe('/own.js');
    expect(entries.filter((entry) => !isAbsolute(entry) || !existsSync(entry))).toEqual([]);
    const names = entries.map((entry) => entry.split('dist/').at(-1));
    expect(names).toEqual(expect.arrayContaining(['index.js', 'nvent/native.js', 'ayepi/index.js', 'ayepi/index.cjs']));
    expect(names).not.toContain('nvent/index.js');
    expect(nitro.externals?.['inline']).toEqual(['x']);
  });

  it.each([
    ['nothing', undefined, [OURS]],
    ['a string', 'a', ['a', OURS]],
    ['a pattern', /^a/, [/^a/, OURS]],
    ['a list', ['a', /^b/], ['a', /^b/, OURS]],
  ])('stays outside the bundle beside %s of the user', async (_, external, expected) => {
    const given = external === undefined ? {} : { rollupConfig: { external, treeshake: false } };
    const { nitro } = await install(fakeNuxt({ nitro: given }));
    expect(nitro.rollupConfig?.external).toEqual(expected);
    if (external !== undefined) expect(nitro.rollupConfig?.['treeshake']).toBe(false);
  });

  it("stays outside the bundle beside the user's function, which is asked about everything else", async () => {
    const asked: unknown[] = [];
    const external = (...args: unknown[]) => {
      asked.push(args);
      return args[0] === 'a';
    };
    const { nitro } = await install(fakeNuxt({ nitro: { rollupConfig: { external } } }));
    const decide = nitro.rollupConfig?.external as (...args: unknown[]) => unknown;
    const names = ['ferrodis/nvent/native', 'ferrodis', 'a', 'b', 'ferrodis-like'];
    expect(names.map((name) => decide(name, 'i', false))).toEqual([true, true, true, false, false]);
    expect(asked).toEqual([
      ['a', 'i', false],
      ['b', 'i', false],
      ['ferrodis-like', 'i', false],
    ]);
  });

  it('is refused by a preset that cannot load it', async () => {
    const nuxt = fakeNuxt();
    await install(nuxt);
    const init = nuxt.hooks.get('nitro:init');
    expect(() => init?.({ options: { node: false, preset: 'cloudflare-pages' } })).toThrow(
      /^ferrodis\/nvent: the Nitro preset "cloudflare-pages" cannot load native addons\. .*"node-server"/,
    );
    expect(() => init?.({ options: { node: true, preset: 'node-server' } })).not.toThrow();
  });
});

describe('the options of a server that starts', () => {
  const own = { host: 'module' };
  const store = { connection: { host: 'store' }, redis: { host: 'store.redis' } };
  const connections = { redis: { host: 'connections' } };

  it('have the first connection there is, as a whole', () => {
    const nvent = { store, connections };
    expect(storeOptions({ nventStoreRedis: { connection: own }, nvent }).connection).toBe(own);
    expect(storeOptions({ nventStoreRedis: {}, nvent }).connection).toBe(store.connection);
    expect(storeOptions({ nvent: { store: { redis: store.redis }, connections } }).connection).toBe(connections.redis);
    expect(storeOptions({ nvent: { store: { redis: store.redis } } }).connection).toBe(store.redis);
    expect(storeOptions({}).connection).toBeUndefined();
  });

  it('take an empty connection for one, as the original does', () => {
    expect(storeOptions({ nventStoreRedis: { connection: {} }, nvent: { connections } }).connection).toEqual({});
  });

  it('trim as configured, field by field', () => {
    const trim = (given: ModuleOptions) => storeOptions({ nventStoreRedis: given }).streams.trim;
    expect(trim({})).toEqual({ maxLen: 10_000, approx: true });
    expect(trim({ streams: { trim: { maxLen: 0 } } })).toEqual({ maxLen: 0, approx: true });
    expect(trim({ streams: { trim: { approx: false } } })).toEqual({ maxLen: 10_000, approx: false });
  });

  it("have the host's prefix where the module has none", () => {
    expect(storeOptions({ nvent: { store: { prefix: 'host' } } }).prefix).toBe('host');
    expect(storeOptions({ nventStoreRedis: { prefix: 'own' }, nvent: { store: { prefix: 'host' } } }).prefix).toBe(
      'own',
    );
    expect(storeOptions({}).prefix).toBe('nvent');
  });

  it('are neither strict nor talkative unless asked', () => {
    expect(storeOptions({})).toMatchObject({ strict: false, debug: false });
    expect(storeOptions({ nventStoreRedis: { strict: true, debug: true } })).toMatchObject({
      strict: true,
      debug: true,
    });
  });
});
