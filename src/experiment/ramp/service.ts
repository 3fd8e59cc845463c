/** The admin routes of a service that runs experiments. */
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { fetchFailure } from '../../base/link.ts';
import { type ExperimentConfig, experimentsSchema } from '../../config/experiments.ts';

export interface AdminService {
  url: string;
  /** An admin key. */
  key?: string;
}

export interface ServedExperiments {
  revision: number;
  experiments: ExperimentConfig[];
}

const answerSchema = z.object({ revision: z.int(), experiments: experimentsSchema });
const TIMEOUT_MS = 60_000;

/** @throws EXPERIMENT_SERVICE */
export async function servedExperiments(service: AdminService): Promise<ServedExperiments> {
  const { status, body } = await ask(service, 'GET', '/admin/experiments');
  const parsed = answerSchema.safeParse(body);
  if (status === 200 && parsed.success) return parsed.data;
  throw refused(service, status, body);
}

/**
 * Changes one experiment, if the service is at the revision that the change was made for.
 *
 * @returns false where somebody else was faster, or another change is being made
 * @throws EXPERIMENT_SERVICE
 */
export async function changeExperiment(
  service: AdminService,
  revision: number,
  experiment: ExperimentConfig,
): Promise<boolean> {
  const path = `/admin/experiments/${encodeURIComponent(experiment.key)}`;
  const { status, body } = await ask(service, 'PUT', path, { revision, experiment });
  if (status === 200) return true;
  if (['EXPERIMENTS_CHANGED', 'SWAP_RUNNING'].includes(problemOf(body)?.code ?? '')) return false;
  throw refused(service, status, body);
}

async function ask(
  { url, key }: AdminService,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(new URL(path, url), {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: Error) => {
    throw error('EXPERIMENT_SERVICE', { url, problem: fetchFailure(cause) }, cause);
  });
  return { status: answer.status, body: await answer.json().catch(() => undefined) };
}

const problemOf = (body: unknown): { code: string; message: string } | undefined =>
  (body as { error?: { code: string; message: string } } | undefined)?.error;

function refused({ url }: AdminService, status: number, body: unknown) {
  const { code = `HTTP status ${status}`, message = '' } = problemOf(body) ?? {};
  return error('EXPERIMENT_SERVICE', { url, problem: message === '' ? code : `${code}: ${message}` });
}
