/** Payloads. JSON is the engine's own, as the original's is. */

/** What a value is stored as: nothing for what has no JSON. */
export function stored(value: unknown): string {
  return (JSON.stringify(value) as string | undefined) ?? '';
}

/** What is stored; undefined where there is nothing, or no JSON. */
export function parsed<T>(text: string | null | undefined): T | undefined {
  if (!text) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** A life in ms as whole seconds, rounded up; undefined for none. The server judges what makes no sense. */
export function lifeInSeconds(ttl: number | undefined): number | undefined {
  return ttl ? Math.ceil(ttl / 1000) : undefined;
}
