/** Jobs of Kubernetes: they fit the published schemas, and start the ranks that were asked for. */
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { type JobOptions, mpiJob, trainJob } from '../../src/comm/manifest.ts';
import { MPI_JOB, TRAIN_JOB, TRAINING_RUNTIME } from './kubernetes-schemas.ts';

const ajv = new Ajv({ allErrors: true });
const fits = (schema: object, object: unknown): unknown => {
  ajv.validate(schema, object);
  return ajv.errors;
};

const small: JobOptions = { name: 'job', image: 'registry/image', nodes: 1, perNode: 1, command: ['bench', 'comm'] };
const large: JobOptions = {
  ...small,
  namespace: 'rankers',
  nodes: 3,
  perNode: 2,
  cpu: '3500m',
  memory: '16Gi',
  command: ['train', '--data', '/data/shop', '--set', 'train.batchSize=8192'],
};
const mpirun = ['mpirun', '--bind-to', 'none', '-np', '6', 'tributary', ...large.command];
const resources = { requests: { cpu: '3500m', memory: '16Gi' }, limits: { cpu: '3500m', memory: '16Gi' } };

test.each([small, large])('fit their schemas', (options) => {
  const [runtime, job, ...none] = trainJob(options);
  expect(none).toEqual([]);
  expect(fits(TRAINING_RUNTIME, runtime)).toBeNull();
  expect(fits(TRAIN_JOB, job)).toBeNull();
  expect(mpiJob(options).map((object) => fits(MPI_JOB, object))).toEqual([null]);
});

test('the schemas refuse fields that are not there', () => {
  expect(fits(MPI_JOB, { ...mpiJob(small)[0], more: 1 })).toMatchObject([{ keyword: 'additionalProperties' }]);
});

test('a TrainJob starts ranks by the launcher of its runtime', () => {
  const [runtime, job] = trainJob(large);
  expect(runtime).toMatchObject({
    metadata: { name: 'job', namespace: 'rankers' },
    spec: {
      mlPolicy: { numNodes: 3, mpi: { numProcPerNode: 2 } },
      template: {
        spec: {
          replicatedJobs: [
            {
              name: 'node',
              template: { spec: { template: { spec: { containers: [{ image: 'registry/image', resources }] } } } },
            },
            {
              name: 'launcher',
              template: { metadata: { labels: { 'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer' } } },
            },
          ],
        },
      },
    },
  });
  expect(job).toMatchObject({
    spec: {
      runtimeRef: { kind: 'TrainingRuntime', name: 'job' },
      trainer: { command: [mpirun[0]], args: mpirun.slice(1) },
    },
  });
});

test('an MPIJob has workers with the resources, and a launcher that starts mpirun', () => {
  expect(mpiJob(large)).toMatchObject([
    {
      spec: {
        slotsPerWorker: 2,
        mpiReplicaSpecs: {
          Launcher: {
            replicas: 1,
            template: { spec: { containers: [{ command: [mpirun[0]], args: mpirun.slice(1) }] } },
          },
          Worker: { replicas: 3, template: { spec: { containers: [{ command: ['/usr/sbin/sshd'], resources }] } } },
        },
      },
    },
  ]);
});
