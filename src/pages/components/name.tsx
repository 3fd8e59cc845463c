/** Names from data, and sentences that contain some. */
import { oneLine } from '../../base/one-line.ts';

/** A text with a direction of its own. A word that no line can hold may break anywhere; a shorter one never does. */
export const Name = ({ of }: { of: string }) => <bdi class={kindOf(of)}>{of}</bdi>;

const kindOf = (name: string): string | undefined =>
  /\S{22}/.test(name) || name.length > 80 ? 'long' : /^\S{1,21}$/.test(name) ? 'short' : undefined;

const LETTER = String.raw`\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}`;
/** Words that are written from right to left. */
const RIGHT_TO_LEFT = new RegExp(String.raw`([${LETTER}](?:[${LETTER}\s\p{M}]*[${LETTER}])?)`, 'u');

/** A sentence on one line, its arrows in one piece. Names in it that are written from right to left take none of its numbers with them. */
export const Sentence = ({ of }: { of: string }) => (
  <>
    {oneLine(of)
      .replaceAll(' -> ', ' → ')
      .split(RIGHT_TO_LEFT)
      .map((part, i) => (i % 2 === 0 ? part : <bdi key={i}>{part}</bdi>))}
  </>
);
