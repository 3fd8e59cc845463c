/** Checks the tensors of a run before ONNX Runtime sees them, and reports all problems at once. */
import type { InferenceSession } from 'onnxruntime-node';
import type { TensorData, Value } from './contract.ts';

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;
export const SUPPORTED_TYPES = Object.keys(ARRAYS);

/** The problems of a run's tensors as sentences; empty if the run may start. */
export function tensorProblems(
  session: InferenceSession,
  feeds: Record<string, Value>,
  into: Record<string, Value>,
): string[] {
  const problems: string[] = [];
  const missing = session.inputNames.filter((name) => feeds[name] === undefined);
  if (missing.length > 0)
    problems.push(`no tensor for ${missing.join(', ')} (given: ${Object.keys(feeds).join(', ') || 'none'})`);
  const unknown = Object.keys(into).filter((name) => !session.outputNames.includes(name));
  if (unknown.length > 0)
    problems.push(`there is no output ${unknown.join(', ')} (outputs: ${session.outputNames.join(', ')})`);
  for (const declared of session.inputMetadata)
    check(`input ${declared.name}`, declared, feeds[declared.name], problems);
  for (const declared of session.outputMetadata)
    check(`output ${declared.name}`, declared, into[declared.name], problems);
  return problems;
}

function check(
  what: string,
  declared: InferenceSession.ValueMetadata,
  value: Value | undefined,
  problems: string[],
): void {
  if (value === undefined) return;
  if (declared.isTensor && declared.type !== value.type)
    problems.push(`${what} is ${declared.type} in the graph, but ${value.type} was given`);
  if (!(value.data instanceof ARRAYS[value.type]))
    problems.push(`${what}: ${value.type} data must be a ${ARRAYS[value.type].name}, found a ${className(value.data)}`);
  const elements = value.shape.reduce((product, dimension) => product * dimension, 1);
  if (elements !== value.data.length)
    problems.push(
      `${what}: shape [${value.shape.join(', ')}] has ${elements} elements, but its array has ${value.data.length}`,
    );
}

const className = (data: TensorData): string => Object.getPrototypeOf(data).constructor.name;
