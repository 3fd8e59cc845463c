/** A proposed configuration as YAML, each choice with its reason as a comment. */
import { Document, type Node, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Finding } from '../checks/finding.ts';
import { configOf, type Draft } from './propose.ts';

const HEAD = ` Proposed by looking at the files. Read it before use: names and values can mislead. Then
 \`tributary validate\` checks it against the data, and \`tributary prepare\` makes the data set.
 Leave out of the fields what is known only after the user has acted.`;

export function toYaml(draft: Draft, failures: Finding[]): string {
  const document = new Document(configOf(draft));
  const node = (...path: (string | number)[]): Node => document.getIn(path, true) as Node;
  document.commentBefore = [HEAD, ...failures.map(({ check, message }) => comment(`TO DO, ${check}: ${message}`))].join(
    '\n',
  );
  const before = (key: string, texts: string[]): void => {
    const pair = (document.contents as unknown as YAMLMap<Node>).items.find((p) => String(p.key) === key);
    if (pair !== undefined) {
      pair.key.commentBefore = texts.map(comment).join('\n');
      pair.key.spaceBefore = true;
    }
  };
  const each = (key: string, entries: { because: string }[]): void => {
    (node(key) as YAMLSeq<YAMLMap> | undefined)?.items.forEach((item, i) => {
      item.flow = true;
      item.comment = comment(entries[i].because);
    });
  };
  before('from', [draft.from?.because ?? '']);
  before('joins', ['columns that sources share']);
  each('joins', draft.joins);
  before('where', ['rows that are left out', ...draft.where.map(({ because }) => because)]);
  before('fields', ['what the model sees', ...draft.left.map((text) => `left out: ${text}`)]);
  each('fields', draft.fields);
  before('scenario', [draft.scenario.because]);
  before('tasks', ['what the model predicts']);
  each('tasks', draft.tasks);
  before('group', [draft.group?.because ?? '']);
  before('split', [draft.split.because]);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** Names and values come from files: a line break in them would end the comment. */
const comment = (text: string): string => ` ${text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')}`;
