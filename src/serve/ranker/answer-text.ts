/** Answers as JSON. */
import type { Ranking } from './ranker-contract.ts';

/** The same text as JSON.stringify gives. That of the items stays with the ranking: the log has it again. */
export function answerText(ranking: Ranking): string {
  const { request_id, model, items, ...others } = ranking.response;
  ranking.itemsText = JSON.stringify(items);
  return jsonParts({ request_id, model }, 'items', ranking.itemsText, others).join('');
}

/** Parts of the JSON of an object with one property that is text already, between the others. */
export function jsonParts(before: object, name: string, json: string, after: object): string[] {
  const rest = JSON.stringify(after).slice(1);
  return [`${JSON.stringify(before).slice(0, -1)},"${name}":`, json, rest === '}' ? '' : ',', rest];
}
