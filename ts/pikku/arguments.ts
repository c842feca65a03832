/** The constructor's arguments: the documented order and the published one are told apart by the types of the second and third. */
import type { RedisWorkflowOptions } from './options.js';

/** Puts jobs into queues, as the host's `QueueService` does. */
export interface QueueService {
  add(queueName: string, data: unknown, options?: object): Promise<unknown>;
}

/** What the arguments after the first mean. */
export interface WorkflowArguments {
  readonly keyPrefix: string;
  readonly queue: QueueService | null;
  readonly options: RedisWorkflowOptions;
}

const DEFAULT_PREFIX = 'workflows';

/**
 * Reads `(keyPrefix?, options?)` and `(queue?, keyPrefix?, options?)`.
 *
 * @throws TypeError for two prefixes, or something that is neither queue, prefix nor options
 */
export function readArguments(second: unknown, third: unknown, fourth: unknown): WorkflowArguments {
  if (typeof second === 'string') {
    if (typeof third === 'string') throw new TypeError('RedisWorkflowService: keyPrefix is given twice');
    return { keyPrefix: second, queue: null, options: optionsOf(third) };
  }
  const queue = isQueue(second) ? second : null;
  if (second !== undefined && second !== null && queue === null) {
    if (third !== undefined) {
      throw new TypeError('RedisWorkflowService: queue must have a method add, or be left out');
    }
    return { keyPrefix: DEFAULT_PREFIX, queue: null, options: optionsOf(second) };
  }
  if (typeof third === 'string') return { keyPrefix: third, queue, options: optionsOf(fourth) };
  return { keyPrefix: DEFAULT_PREFIX, queue, options: optionsOf(third) };
}

function isQueue(value: unknown): value is QueueService {
  return typeof value === 'object' && value !== null && typeof (value as { add?: unknown }).add === 'function';
}

function optionsOf(value: unknown): RedisWorkflowOptions {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object') throw new TypeError('RedisWorkflowService: options must be an object');
  return value;
}
