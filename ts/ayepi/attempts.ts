/** Every call of store and cache is one `retry` of the user's own `@ayepi/core`. */
import type { RedisStoreOptions, RetryOptions, RetryState } from './types.js';

/** What is used of `@ayepi/core`. */
export interface Core {
  retry<R>(attempt: (state: RetryState) => Promise<R>, options?: RetryOptions<R>): Promise<R>;
  /** The built-in options under those of `setDefaultRetryOptions`. */
  getDefaultRetryOptions?(): RetryOptions;
}

/** Runs the work of one call, again where it fails. */
export type Attempt = <R>(work: () => Promise<R>) => Promise<R>;

/** Runs all attempts through `retry`, with `options` as they are at the time of the call. */
export function repeating(core: Core, options: RedisStoreOptions): Attempt {
  const policy = policyOf(options);
  return (work) => core.retry(() => begin(work), policy(options.retry));
}

/**
 * Runs the first attempt itself and enters `retry` with it only when it failed. Where that could be noticed, all
 * attempts go through `retry`: with hooks that see a success or the clock, and where no attempt is asked for.
 */
export function repeatingLazily(core: Core, options: RedisStoreOptions): Attempt {
  const policy = policyOf(options);
  return <R>(work: () => Promise<R>): Promise<R> => {
    const { retry: own } = options;
    if (isNoticed(core, own)) return core.retry(() => begin(work), policy<R>(own));
    // As they are now, whatever becomes of them before the first attempt has failed.
    const now = own && { ...own };
    const first = begin(work);
    return first.catch(() => {
      let isFirst = true;
      return core.retry(() => {
        if (!isFirst) return begin(work);
        isFirst = false;
        return first;
      }, policy<R>(now));
    });
  };
}

/** The options of `retry` for a call that begins now. An `onError` in `options.retry` has no effect. */
function policyOf(options: RedisStoreOptions): <R>(own: RedisStoreOptions['retry']) => RetryOptions<R> {
  const onError = (error: unknown): void => {
    try {
      options.onError?.(error);
    } catch {
      // The call is rejecting already.
    }
  };
  return <R>(own: RedisStoreOptions['retry']) => ({ ...(own as RetryOptions<R> | undefined), onError });
}

function isNoticed(core: Core, own: RedisStoreOptions['retry']): boolean {
  if (core.getDefaultRetryOptions === undefined) return true;
  const defaults = core.getDefaultRetryOptions();
  // A key that is there counts, even with the value undefined: so `retry` overlays them too.
  const { attempts, onSuccess, now }: RetryOptions = own ? { ...defaults, ...(own as RetryOptions) } : defaults;
  return !((attempts as number) >= 1) || onSuccess !== undefined || now !== undefined;
}

/** A throw at once is an attempt that failed. */
function begin<R>(work: () => Promise<R>): Promise<R> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}
