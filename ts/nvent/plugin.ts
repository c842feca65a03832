/**
 * The plugin that Nuxt bundles into the user's server. It imports the store by the package's name, because the bundler
 * has to leave that import as it is.
 */
import { createStoreValidator, registerStoreAdapter, useRuntimeConfig } from '#imports';
import { RedisStoreAdapter } from 'ferrodis/nvent/native';
import { storeOptions } from './options.js';

interface NitroApp {
  hooks: { hook(name: 'nvent:register-adapters', listener: () => void): void };
}

/** Registers the store when the host asks for adapters. Nothing connects before the first call. */
export default function plugin(nitroApp: NitroApp): void {
  nitroApp.hooks.hook('nvent:register-adapters', () => {
    const { debug, ...options } = storeOptions(useRuntimeConfig());
    if (debug && !options.connection) console.warn('[adapter-store-redis] No Redis connection config found');
    const validator = createStoreValidator('RedisStoreAdapter');
    registerStoreAdapter('redis', new RedisStoreAdapter({ ...options, validator, ...(debug && { logger: console }) }));
    if (debug) console.log('[adapter-store-redis] Redis store adapter registered');
  });
}
