/** The fixture project that uses ayepi. */
import { createRequire } from 'node:module';

import type * as Adapter from 'ferrodis/ayepi';

export { type Ground, ground, until } from './ground.js';

/** What the stand-in of `@ayepi/core` exports. */
export interface Core {
  retry(attempt: () => Promise<unknown>, options?: object): Promise<unknown>;
  RetryAbort: new (cause?: unknown) => Error;
  setDefaultRetryOptions(options: object): void;
}

type Ayepi = typeof Adapter & { core: Core };

const FIXTURE = new URL('../fixtures/ayepi/', import.meta.url);

/** The adapter and its host as a module of the project sees them. */
export const ayepi = (await import(new URL('modules.mjs', FIXTURE).href)) as Ayepi;

/** The same as `require` sees them. */
export const required = createRequire(FIXTURE)('./require.cjs') as Ayepi;

/** No pauses between attempts. */
export const AT_ONCE = { sleep: async (): Promise<void> => undefined };

/** One attempt and no more. */
export const ONCE = { retry: { attempts: 1 } };
