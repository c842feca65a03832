/** Reading objects whose shape is not ours: options may have any type, and half of them mean "not set". */

/** An object of unknown shape. */
export type Bag = Record<string, unknown>;

/** Whether properties can be read. */
export function isBag(value: unknown): value is Bag {
  return typeof value === 'object' && value !== null;
}

/** Whether an option was left alone, or says the default of being off. */
export function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === false || value === '';
}

/** A number; those from the query of a URL stay texts in ioredis. */
export function number(value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : undefined;
}

/** A text that says something. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A family of addresses; any, where it says nothing that is known. */
export function family(value: unknown): 4 | 6 | undefined {
  const wanted = number(value);
  return wanted === 4 || wanted === 6 ? wanted : undefined;
}

/** A name for `CLIENT LIST`. One that the server would refuse is left out, as the clients do. */
export function clientName(value: unknown): string | undefined {
  return typeof value === 'string' && /^[!-~]+$/.test(value) ? value : undefined;
}

/** A time in ms that is one: 0 means no limit, as absence does. */
export function milliseconds(value: unknown): number | undefined {
  const time = number(value);
  return time !== undefined && time > 0 ? Math.min(time, LONGEST_MS) : undefined;
}

/** One day: the longest time that native code waits for anything. */
export const LONGEST_MS = 86_400_000;

/** Only what is set: an absent option must not stand in the way of a default. */
export function compact<T extends object>(options: { [Name in keyof T]: T[Name] | undefined }): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
