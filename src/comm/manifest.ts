/**
 * Jobs of Kubernetes that run a command over ranks: a TrainJob of Kubeflow Trainer v2 and its runtime, or the older MPIJob of
 * the MPI operator. One pod starts the ranks by mpirun of Open MPI, others run them; they talk by SSH, with keys that
 * the operator makes. Fields: the API types of kubeflow/trainer (trainer.kubeflow.org/v1alpha1) and kubeflow/mpi-operator
 * (kubeflow.org/v2beta1).
 */

export interface JobOptions {
  name: string;
  namespace?: string;
  /** Has tributary, Open MPI, and an SSH server for user 1000. */
  image: string;
  /** Pods that run ranks. */
  nodes: number;
  /** Ranks of each pod. */
  perNode: number;
  /** Of each pod, in units of Kubernetes: 4, 500m; 16Gi. */
  cpu?: string;
  memory?: string;
  /** Words of each rank: the verb and its options. */
  command: readonly string[];
}

/** The user of the images that Kubeflow builds for MPI, with its folder of keys and the configuration of its SSH server. */
const USER = 1000;
const KEYS = '/home/mpiuser/.ssh';
const SERVER = { command: ['/usr/sbin/sshd'], args: ['-De', '-f', '/home/mpiuser/.sshd_config'] };
const SSH_PORT = 2222;

/** A TrainingRuntime and the TrainJob that runs on it, in the order in which they are created. */
export function trainJob(options: JobOptions): object[] {
  const { name, nodes, perNode } = options;
  const apiVersion = 'trainer.kubeflow.org/v1alpha1';
  const job = (jobName: string, more: object, container: object, labels?: object): object => ({
    name: jobName,
    ...more,
    template: {
      ...(labels && { metadata: { labels } }),
      spec: { template: { spec: podOf('node', options, container) } },
    },
  });
  const runtime = {
    apiVersion,
    kind: 'TrainingRuntime',
    metadata: metadataOf(options),
    spec: {
      mlPolicy: {
        numNodes: nodes,
        mpi: {
          numProcPerNode: perNode,
          mpiImplementation: 'OpenMPI',
          sshAuthMountPath: KEYS,
          runLauncherAsNode: false,
        },
      },
      template: {
        spec: {
          network: { publishNotReadyAddresses: true },
          successPolicy: { operator: 'All', targetReplicatedJobs: ['launcher'] },
          replicatedJobs: [
            job('node', {}, { ...SERVER, readinessProbe: { tcpSocket: { port: SSH_PORT } }, ...resources(options) }),
            job('launcher', { dependsOn: [{ name: 'node', status: 'Ready' }] }, {}, TRAINER),
          ],
        },
      },
    },
  };
  const [command, ...args] = mpirun(options);
  const spec = {
    runtimeRef: { apiGroup: 'trainer.kubeflow.org', kind: 'TrainingRuntime', name },
    trainer: { numNodes: nodes, numProcPerNode: perNode, command: [command], args },
  };
  return [runtime, { apiVersion, kind: 'TrainJob', metadata: metadataOf(options), spec }];
}

/** The job whose command the TrainJob gives. */
const TRAINER = { 'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer' };

/** An MPIJob. */
export function mpiJob(options: JobOptions): object[] {
  const [command, ...args] = mpirun(options);
  const replica = (replicas: number, container: object): object => ({
    replicas,
    restartPolicy: 'Never',
    template: { spec: podOf(undefined, options, container) },
  });
  const spec = {
    slotsPerWorker: options.perNode,
    mpiImplementation: 'OpenMPI',
    sshAuthMountPath: KEYS,
    launcherCreationPolicy: 'WaitForWorkersReady',
    runPolicy: { cleanPodPolicy: 'Running', backoffLimit: 0 },
    mpiReplicaSpecs: {
      Launcher: replica(1, { name: 'launcher', command: [command], args }),
      Worker: replica(options.nodes, {
        name: 'worker',
        ...SERVER,
        readinessProbe: { tcpSocket: { port: SSH_PORT } },
        ...resources(options),
      }),
    },
  };
  return [{ apiVersion: 'kubeflow.org/v2beta1', kind: 'MPIJob', metadata: metadataOf(options), spec }];
}

const metadataOf = ({ name, namespace }: JobOptions): object => ({ name, ...(namespace && { namespace }) });

const podOf = (name: string | undefined, { image }: JobOptions, container: object): object => ({
  securityContext: { fsGroup: USER },
  containers: [{ ...(name && { name }), ...container, image, securityContext: { runAsUser: USER, runAsGroup: USER } }],
});

/** Requests and limits are equal: a rank that is slowed down slows all. */
function resources({ cpu, memory }: JobOptions): object {
  if (cpu === undefined && memory === undefined) return {};
  const amounts = { ...(cpu && { cpu }), ...(memory && { memory }) };
  return { resources: { requests: amounts, limits: amounts } };
}

/** Hosts and slots come from the operator, by a file that its environment variables name. */
const mpirun = ({ nodes, perNode, command }: JobOptions): string[] => [
  'mpirun',
  '--bind-to',
  'none',
  '-np',
  `${nodes * perNode}`,
  'tributary',
  ...command,
];
