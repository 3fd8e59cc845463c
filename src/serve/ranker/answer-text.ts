/** Answers as JSON. */
import type { Ranking } from './ranker-contract.ts';

/** The text that JSON.stringify gives. That of the items stays with the ranking, a part of the same memory: the log has it again. */
export function answerText(ranking: Ranking): string {
  const text = JSON.stringify(ranking.response);
  // No text within has these characters: its quotes are escaped.
  const from = text.indexOf(ITEMS) + ITEMS.length;
  ranking.itemsText = text.slice(from, text.lastIndexOf(TOOK));
  return text;
}

const [ITEMS, TOOK] = ['"items":', ',"took_ms":'];

/**
 * Parts of the JSON of an object with one property that is text already, between the others.
 *
 * @param end in place of its last brace
 */
export function jsonParts(before: object, name: string, json: string, after: object, end = '}'): string[] {
  const rest = JSON.stringify(after).slice(1, -1);
  return [`${JSON.stringify(before).slice(0, -1)},"${name}":`, json, `${rest === '' ? '' : ','}${rest}${end}`];
}
