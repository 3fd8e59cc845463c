/**
 * The parts of published schemas that our jobs use, written down by hand from their API types; nothing else is allowed, so a
 * field that is not there fails. Sources:
 * github.com/kubeflow/trainer, pkg/apis/trainer/v1alpha1/{trainjob,trainingruntime}_types.go and manifests/base/crds;
 * github.com/kubeflow/mpi-operator, pkg/apis/kubeflow/v2beta1/types.go and manifests/base/kubeflow.org_mpijobs.yaml;
 * github.com/kubernetes-sigs/jobset, api/jobset/v1alpha2/jobset_types.go; Kubernetes core/v1.
 */

type Schema = Record<string, unknown>;

const text: Schema = { type: 'string', minLength: 1 };
const texts: Schema = { type: 'array', items: text, minItems: 1, maxItems: 128 };
const whole: Schema = { type: 'integer', minimum: 0 };
const list = (items: Schema): Schema => ({ type: 'array', items, minItems: 1 });
/** An object with these fields and no others. */
const object = (properties: Record<string, Schema>, ...required: string[]): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

const quantity: Schema = { type: 'string', pattern: '^[0-9]+(\\.[0-9]*)?(([KMGTPE]i)|[mkMGTPE])?$' };
const amounts = object({ cpu: quantity, memory: quantity });
const name: Schema = { type: 'string', pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$', maxLength: 63 };
const metadata = object({ name, namespace: name }, 'name');

const container = object(
  {
    name,
    image: text,
    command: texts,
    args: texts,
    resources: object({ requests: amounts, limits: amounts }),
    securityContext: object({ runAsUser: whole, runAsGroup: whole }),
    readinessProbe: object({ tcpSocket: object({ port: whole }, 'port') }),
  },
  'name',
  'image',
);
const pod = object(
  { spec: object({ securityContext: object({ fsGroup: whole }), containers: list(container) }, 'containers') },
  'spec',
);

const replicatedJob = object(
  {
    name,
    dependsOn: list(object({ name, status: { enum: ['Ready', 'Complete'] } }, 'name', 'status')),
    template: object(
      {
        metadata: object({ labels: { type: 'object', additionalProperties: { type: 'string' } } }),
        spec: object({ template: pod }, 'template'),
      },
      'spec',
    ),
  },
  'name',
  'template',
);

const mpiPolicy = object({
  numProcPerNode: whole,
  mpiImplementation: { enum: ['OpenMPI'] },
  sshAuthMountPath: text,
  runLauncherAsNode: { type: 'boolean' },
});

export const TRAINING_RUNTIME = object(
  {
    apiVersion: { const: 'trainer.kubeflow.org/v1alpha1' },
    kind: { const: 'TrainingRuntime' },
    metadata,
    spec: object(
      {
        mlPolicy: object({ numNodes: whole, mpi: mpiPolicy }),
        template: object(
          {
            spec: object({
              network: object({ publishNotReadyAddresses: { type: 'boolean' } }),
              successPolicy: object(
                { operator: { enum: ['All', 'Any'] }, targetReplicatedJobs: list(name) },
                'operator',
              ),
              replicatedJobs: list(replicatedJob),
            }),
          },
          'spec',
        ),
      },
      'mlPolicy',
      'template',
    ),
  },
  'apiVersion',
  'kind',
  'metadata',
  'spec',
);

export const TRAIN_JOB = object(
  {
    apiVersion: { const: 'trainer.kubeflow.org/v1alpha1' },
    kind: { const: 'TrainJob' },
    metadata,
    spec: object(
      {
        runtimeRef: object(
          {
            name,
            apiGroup: { const: 'trainer.kubeflow.org' },
            kind: { enum: ['TrainingRuntime', 'ClusterTrainingRuntime'] },
          },
          'name',
        ),
        trainer: object({ numNodes: whole, numProcPerNode: whole, command: texts, args: texts }),
      },
      'runtimeRef',
    ),
  },
  'apiVersion',
  'kind',
  'metadata',
  'spec',
);

const replica = object(
  { replicas: whole, restartPolicy: { enum: ['Never', 'OnFailure', 'Always', 'ExitCode'] }, template: pod },
  'template',
);

export const MPI_JOB = object(
  {
    apiVersion: { const: 'kubeflow.org/v2beta1' },
    kind: { const: 'MPIJob' },
    metadata,
    spec: object(
      {
        slotsPerWorker: whole,
        mpiImplementation: { enum: ['OpenMPI', 'Intel', 'MPICH'] },
        sshAuthMountPath: text,
        launcherCreationPolicy: { enum: ['AtStartup', 'WaitForWorkersReady'] },
        runPolicy: object({ cleanPodPolicy: { enum: ['', 'All', 'Running', 'None'] }, backoffLimit: whole }),
        mpiReplicaSpecs: object({ Launcher: replica, Worker: replica }, 'Launcher'),
      },
      'mpiReplicaSpecs',
    ),
  },
  'apiVersion',
  'kind',
  'metadata',
  'spec',
);
