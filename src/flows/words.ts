/** What was found, in words with figures. */
import { oneLine } from '../base/one-line.ts';
import { FLOW_NAMES, type FlowDocument } from './document.ts';

const SHORT = ['the shared flow', 'the specific flow', 'the task-specific flow', 'the scenario-specific flow'];

const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`;

/** A sentence for each finding: flows that do not exist, cells that gain nothing from one that does, and what is likely. */
export function flowSentences({ flows, shares, scenarios, tasks, fields, source }: FlowDocument): string[] {
  const sentences = FLOW_NAMES.map((name, k) => {
    const own = fields.filter(({ reads }) => reads[k]).map(({ field }) => field);
    if (own.length === 0)
      return scenarios.length * tasks.length === 1 && k > 0
        ? ''
        : `No field feeds ${SHORT[k]} (${name}): it can be left out everywhere.`;
    return `${capital(SHORT[k])} (${name}) carries ${(100 * shares[k]).toFixed(1)} % of what ${source === 'model' ? 'the model takes from fields' : 'fields explain'}, through ${listed(own)}.`;
  }).filter((sentence) => sentence !== '');
  for (const line of flows) {
    const isAbsent = fields.every(({ reads }) => !reads[line.flow - 1]);
    if (isAbsent || (line.verdict !== 'useless' && line.verdict !== 'likely useless')) continue;
    const likely = line.verdict === 'useless' ? '' : 'likely ';
    const cell = `${oneLine(line.scenario)}/${line.task}`;
    if (source === 'model') {
      sentences.push(`${cell}: the model ${likely}uses nothing of ${SHORT[line.flow - 1]}.`);
      continue;
    }
    const change = line.certificate;
    const proof =
      change === null
        ? 'not measured on other rows'
        : `without it AUC changes by ${signed(change.aucChange)} [${signed(change.aucLow)}, ${signed(change.aucHigh)}]`;
    sentences.push(`${cell} ${likely}gains nothing from ${SHORT[line.flow - 1]}; ${proof}.`);
  }
  const silent = flows.filter(({ verdict }) => verdict === 'useless' || verdict === 'likely useless').length;
  if (silent === 0 && shares.some((share) => share > 0))
    sentences.push('No cell can do without a flow that carries something.');
  return sentences;
}

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);

const listed = (names: readonly string[]): string =>
  names.length <= 6 ? names.join(', ') : `${names.slice(0, 6).join(', ')} and ${names.length - 6} more`;

const MARK = { useful: '', useless: ' no', 'likely useless': ' no?', undecided: ' ?' } as const;

/** Rows of a table: scenario, task, then each flow's strength with its mark ("no": useless). The first row is the head. */
export function verdictRows({ flows, scenarios, tasks }: FlowDocument): string[][] {
  const head = [
    'scenario',
    'task',
    ...['shared', 'specific', 'task-specific', 'scenario-specific'].map((name, k) => `${k + 1} ${name}`),
  ];
  return [
    head,
    ...scenarios.flatMap((scenario) =>
      tasks.map((task) => [
        scenario,
        task,
        ...flows
          .filter((line) => line.scenario === scenario && line.task === task)
          .map(({ strength, verdict }) => `${strength.toFixed(2)}${MARK[verdict].padEnd(4)}`),
      ]),
    ),
  ];
}

/** Rows of a table: field, then its share of the explained variance in each flow, in percent. The first row is the head. */
export function shareRows({ fields, shares }: FlowDocument): string[][] {
  const percent = (share: number): string => (share === 0 ? '-' : (100 * share).toFixed(1));
  return [
    ['field', '1 shared', '2 specific', '3 task-specific', '4 scenario-specific'],
    ...fields.map(({ field, share }) => [field, ...share.map(percent)]),
    ['all', ...shares.map(percent)],
  ];
}
