import { join } from 'node:path';

/** The files of a fault: data, a configuration, and what an earlier version made of them. */
export const faultFolder = (name: string): string => join(import.meta.dirname, 'files', name);
