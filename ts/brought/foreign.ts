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

/** Only what is set: an absent option must not stand in the way of a default. */
export function compact<T extends object>(options: { [Name in keyof T]: T[Name] | undefined }): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
