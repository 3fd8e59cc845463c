/** A proposed configuration as YAML, each choice with its reason as a comment. */
import { Document, type Node, type YAMLMap, type YAMLSeq } from 'yaml';
import type { DatasetInput } from '../../config/dataset.ts';
import type { Reasons } from './propose.ts';

const HEAD = ` Proposed by looking at the files. Read it before use: names and values can mislead. Then
 \`tributary validate\` checks it against the data, and \`tributary prepare\` makes the data set.
 Leave out of the fields what is known only after the user has acted.`;

export function toYaml(config: DatasetInput, reasons: Reasons): string {
  const document = new Document(config);
  const node = (...path: (string | number)[]): Node => document.getIn(path, true) as Node;
  document.commentBefore = HEAD;
  const before = (key: string, text: string): void => {
    const pair = (document.contents as unknown as YAMLMap<Node>).items.find((p) => String(p.key) === key);
    if (pair !== undefined) {
      pair.key.commentBefore = ` ${text}`;
      pair.key.spaceBefore = true;
    }
  };
  const each = (key: string, texts: string[]): void => {
    (node(key) as YAMLSeq<YAMLMap> | undefined)?.items.forEach((item, i) => {
      item.flow = true;
      item.comment = ` ${texts[i]}`;
    });
  };
  before('from', reasons.from);
  before('joins', 'columns that sources share');
  each('joins', reasons.joins);
  before('fields', ['what the model sees', ...reasons.left.map((text) => `left out: ${text}`)].join('\n '));
  each('fields', reasons.fields);
  before('scenario', reasons.scenario);
  before('tasks', 'what the model predicts');
  each('tasks', reasons.tasks);
  before('group', reasons.group);
  before('split', reasons.split);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}
