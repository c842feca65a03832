/** The user's own `@ayepi/core`, as a module loads it: its defaults and its `RetryAbort` are the process's. */
import type { Core } from './attempts.js';
import type { Host } from './factories.js';

/** Not resolved by the compiler: the package is an optional peer. */
const CORE: string = '@ayepi/core';

async function load(): Promise<Host> {
  try {
    return { core: (await import(CORE)) as Core };
  } catch (error) {
    return { missing: error };
  }
}

/** What loading it came to. A broker works without. */
export const host: Host = await load();
