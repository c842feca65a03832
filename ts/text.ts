/** Values as ioredis sends them: users from JavaScript give more than texts. */

/** An argument as text: nothing for null and undefined. */
export function argument(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '' : String(value);
}

/** What is put behind a prefix, as `+` makes it a text. */
export function name(key: unknown): string {
  return typeof key === 'string' ? key : '' + (key as string);
}
