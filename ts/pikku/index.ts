/**
 * `ferrodis/pikku`: the Redis services of pikku. Every export of `@pikku/redis` is here under its own name.
 *
 * @module
 */

export type * from './types.js';
