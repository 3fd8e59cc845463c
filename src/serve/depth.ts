import { error } from '../base/errors/index.ts';

/** Throws BODY_TOO_DEEP. Goes no deeper than the limit itself. */
export function checkDepth(value: unknown, limit: number): void {
  if (!isWithin(value, limit)) throw error('BODY_TOO_DEEP', { limit });
}

function isWithin(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (left === 0) return false;
  if (Array.isArray(value)) {
    for (const child of value) if (typeof child === 'object' && !isWithin(child, left - 1)) return false;
    return true;
  }
  for (const child of Object.values(value)) if (typeof child === 'object' && !isWithin(child, left - 1)) return false;
  return true;
}
