/** What is there only where the user's server is built. */

// Behind this name Nitro and nvent put what a server plugin may use.
declare module '#imports' {
  import type { RedisStoreAdapter, UpdateValidator } from 'ferrodis/nvent/native';
  import type { RuntimeConfig } from './options.js';

  export function useRuntimeConfig(): RuntimeConfig;
  export function registerStoreAdapter(name: string, adapter: RedisStoreAdapter): void;
  export function createStoreValidator(adapterName: string): UpdateValidator;
}

// Nuxt's own name for its types: the one that every project can resolve, whatever its package manager hoists.
declare module 'nuxt/schema' {
  export type { NuxtModule } from '@nuxt/schema';
}
