/**
 * The Redis store of nvent, as a Nuxt module: in place of `@nvent-addon/adapter-store-redis` in `modules`, before or
 * after `nvent`.
 *
 * @example
 * ```ts
 * export default defineNuxtConfig({
 *   modules: ['nvent', 'ferrodis/nvent'],
 *   nvent: { store: { adapter: 'redis' } },
 * });
 * ```
 *
 * The store itself, for programs without Nuxt, is `RedisStoreAdapter` of `ferrodis/nvent/native`.
 *
 * @module
 */
import { defineNuxtModule } from '@nuxt/kit';
import type { NuxtModule } from 'nuxt/schema';
import {
  addPlugin,
  keepNativeOutside,
  type NitroOptions,
  refuseWithoutNode,
  type ResolvedOptions,
  version,
} from './nitro.js';
import { DEFAULTS, type ModuleOptions } from './options.js';

export type { ModuleOptions };

const module: NuxtModule<ModuleOptions> = defineNuxtModule<ModuleOptions>({
  // A name of our own: of two modules with one name, Nuxt would silently leave out the second.
  meta: { name: 'ferrodis/nvent', version, configKey: 'nventStoreRedis' },
  defaults: DEFAULTS,
  setup(options, nuxt) {
    nuxt.options.runtimeConfig['nventStoreRedis'] = { ...options };
    const nitro = (nuxt.options.nitro ??= {}) as NitroOptions;
    addPlugin(nitro);
    keepNativeOutside(nitro);
    // Only here is known which preset was chosen, by whatever means.
    nuxt.hook('nitro:init', (resolved: { options: ResolvedOptions }) => refuseWithoutNode(resolved.options));
  },
});

export default module;
