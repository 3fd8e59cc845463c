/** The program of the process that builds tables: one request, one answer. What it held is free again when it ends. */
import { packError } from '../base/link.ts';
import { buildTables } from './build.ts';
import type { BuildRequest } from './contract.ts';
import type { BuilderReply } from './host.ts';

// The process that asked is gone.
process.on('disconnect', () => process.exit(1));
process.once('message', (request: BuildRequest) => {
  const reply = (message: BuilderReply): void => void process.send?.(message, () => process.exit(0));
  buildTables(request).then(
    (built) => reply({ kind: 'built', ...(built && { built }) }),
    (cause) => reply({ kind: 'failed', error: packError(cause) }),
  );
});
