/** Checks a request before anything is computed, and reports the first mistakes by path. */
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { shown } from '../../base/shown.ts';
import type { Problem } from '../../config/files/problems.ts';
import { MOST_PROBLEMS, parseRequest, unknownName } from '../http/parse.ts';
import type { Item, RankRequest, Values } from './contract.ts';

const NAME_LENGTH = 256;
/** Unknown names that are compared with those of the model: with thousands of fields each takes milliseconds. */
const GUESSES = 3;

/** The request as a whole. Items and values are checked by hand, which is several times as fast. */
const requestSchema = z.strictObject({
  scenario: z.string(),
  user: z.custom<Values>(isValues, 'expected an object of values by field name').optional(),
  context: z.custom<Values>(isValues, 'expected an object of values by field name').optional(),
  items: z.custom<unknown[]>(Array.isArray, 'expected a list of items'),
  top_k: z.int().min(1).optional(),
  explain: z.boolean().optional(),
  request_id: z.string().min(1).max(NAME_LENGTH).optional(),
  model: z.string().min(1).max(NAME_LENGTH).optional(),
});

/** What requests are checked against. */
export interface RequestRules {
  /** Fields of the model. */
  fields: ReadonlySet<string>;
  /** Fields of the data that the model does not read: requests may have them. */
  unread: ReadonlySet<string>;
  /** Categorical and multi-value fields: their numbers stand for themselves. */
  tokens: ReadonlySet<string>;
  scenarios: readonly string[];
  hasSequences: boolean;
  unknownFields: 'refuse' | 'ignore';
  /** Names that user and context may have without being fields: the unit of logged events, ids of tables. */
  sharedNames: ReadonlySet<string>;
  /** The same of items. */
  itemNames: ReadonlySet<string>;
  /** Does a table give this field? */
  isGiven: (field: string) => boolean;
  /** Maximum number of items. */
  items: number;
}

/** @throws REQUEST_INVALID, TOO_MANY_ITEMS, SCENARIO_UNKNOWN */
export function checkRequest(input: unknown, rules: RequestRules): RankRequest {
  const request = parseRequest(requestSchema, input);
  if (request.items.length > rules.items)
    throw error('TOO_MANY_ITEMS', { found: request.items.length, limit: rules.items });
  if (request.items.length === 0)
    throw error('REQUEST_INVALID', {
      problems: [{ path: 'items', message: 'expected one item at least, found none' }],
    });
  if (!rules.scenarios.includes(request.scenario))
    throw error('SCENARIO_UNKNOWN', { found: request.scenario.slice(0, NAME_LENGTH), known: [...rules.scenarios] });
  const problems: Problem[] = [];
  if (request.user !== undefined) checkUser(request.user, rules, problems);
  if (request.context !== undefined) checkValues(request.context, CONTEXT, rules, problems);
  const idIsGiven =
    rules.isGiven('id') ||
    [request.user, request.context].some((values) => values !== undefined && Object.hasOwn(values, 'id'));
  for (let i = 0; i < request.items.length && problems.length < MOST_PROBLEMS; i++)
    checkItem(request.items[i], i, rules, problems, idIsGiven);
  if (problems.length > 0) throw error('REQUEST_INVALID', { problems });
  return { ...request, items: request.items as Item[] };
}

/** May user and context have this name? */
export const mayHave = (name: string, { fields, sharedNames, unread, unknownFields }: RequestRules): boolean =>
  fields.has(name) || sharedNames.has(name) || unread.has(name) || unknownFields === 'ignore';

function checkUser(user: Values, rules: RequestRules, problems: Problem[]): void {
  if (!rules.hasSequences) {
    checkValues(user, USER, rules, problems);
    return;
  }
  const { sequences, ...values } = user;
  if (sequences === undefined || isValues(sequences)) checkSequences(sequences ?? {}, problems);
  else problems.push({ path: 'user.sequences', message: 'expected an object with a list of items for each type' });
  checkValues(values, USER, rules, problems);
}

/** Checks the numbers in sequences. The row encoder checks types and lists. */
function checkSequences(sequences: Values, problems: Problem[]): void {
  for (const type of Object.keys(sequences)) {
    const items = sequences[type];
    if (Array.isArray(items)) checkList(items, `user.sequences.${type.slice(0, NAME_LENGTH)}`, problems);
    if (problems.length >= MOST_PROBLEMS) return;
  }
}

function checkItem(
  item: unknown,
  index: number,
  rules: RequestRules,
  problems: Problem[],
  /** Do user or context give the field called `id`? */
  idIsGiven: boolean,
): void {
  if (!isValues(item)) {
    problems.push({ path: `items.${index}`, message: `expected an object with an id, found ${shown(item)}` });
    return;
  }
  const { id } = item;
  const problem = typeof id === 'number' ? idNumberProblem(id) : idTextProblem(id);
  if (problem !== undefined) problems.push({ path: `items.${index}.id`, message: problem });
  const place: Place = { part: 'items', index };
  if (!rules.fields.has('id')) {
    checkValues(item, place, rules, problems);
    return;
  }
  const { id: _, fields: apart, ...others } = item;
  checkValues(others, place, rules, problems);
  const path = `items.${index}`;
  if (apart !== undefined && !isValues(apart))
    problems.push({ path: `${path}.fields`, message: 'expected an object of values by field name' });
  else if (apart !== undefined) checkValues(apart, { ...place, isApart: true }, rules, problems);
  if (!idIsGiven && !(isValues(apart) && Object.hasOwn(apart, 'id')))
    problems.push({
      path: `${path}.fields.id`,
      message:
        'is missing: the model has a field called id, and the id of an item is only its name. Give the field here, or in user or context; null where it is not known',
    });
}

/** Refuses a number that would not come back as it was sent. */
function idNumberProblem(id: number): string | undefined {
  if (Object.is(id, -0)) return '-0 would come back as 0: send it as a text';
  return Number.isFinite(id) ? numberProblem(id, true) : `${id} is no id: send it as a text`;
}

const idTextProblem = (id: unknown): string | undefined =>
  typeof id === 'string' && id.length <= NAME_LENGTH
    ? undefined
    : `expected a number or a text of at most ${NAME_LENGTH} characters, ${id === undefined ? 'found none' : `found ${shown(id)}`}`;

/** Where values are in a request. Paths are texts that hardly any request needs: they are made for problems alone. */
interface Place {
  part: 'user' | 'context' | 'items';
  /** Of the item. */
  index?: number;
  /** In its `fields`. */
  isApart?: boolean;
}

const USER: Place = { part: 'user' };
const CONTEXT: Place = { part: 'context' };

const pathOf = ({ part, index, isApart }: Place): string =>
  `${part}${index === undefined ? '' : `.${index}`}${isApart ? '.fields' : ''}`;

/** Are these fields of the model, with exact numbers? The row encoder checks other values. */
function checkValues(values: Values, place: Place, rules: RequestRules, problems: Problem[]): void {
  const isItem = place.part === 'items';
  for (const name of Object.keys(values)) {
    if (problems.length >= MOST_PROBLEMS) return;
    const value = values[name];
    if (rules.fields.has(name)) checkValue(value, place, name, rules.tokens.has(name), problems);
    else if ((isItem ? rules.itemNames : rules.sharedNames).has(name)) checkId(value, place, name, problems);
    else if (rules.unread.has(name)) checkUnread(value, place, name, problems);
    else if (rules.unknownFields === 'refuse' && !(name === 'id' && isItem))
      problems.push(
        unknownName(
          name,
          `${pathOf(place)}.`,
          problems.length < GUESSES ? rules.fields : [],
          'the model has no such field',
        ),
      );
  }
}

/** A value that only a log keeps: the row encoder does not see it. */
function checkUnread(value: unknown, place: Place, name: string, problems: Problem[]): void {
  const nested = (Array.isArray(value) ? value : [value]).find((one) => typeof one === 'object' && one !== null);
  if (nested !== undefined)
    problems.push({
      path: `${pathOf(place)}.${name}`,
      message: `expected a text, a number, true, false, null or a list of them, found ${shown(value)}`,
    });
}

function checkId(value: unknown, place: Place, name: string, problems: Problem[]): void {
  if (typeof value === 'object' && value !== null)
    problems.push({ path: `${pathOf(place)}.${name}`, message: `expected a text or a number, found ${shown(value)}` });
  else checkValue(value, place, name, true, problems);
}

function checkValue(value: unknown, place: Place, name: string, isToken: boolean, problems: Problem[]): void {
  if (typeof value === 'string') {
    if (!isToken && Math.abs(Number(value)) === Number.POSITIVE_INFINITY)
      problems.push({
        path: `${pathOf(place)}.${name}`,
        message: `${shown(value)} is beyond what a number of 64 bits holds`,
      });
  } else if (typeof value === 'number') {
    const message = numberProblem(value, isToken);
    if (message !== undefined) problems.push({ path: `${pathOf(place)}.${name}`, message });
  } else if (Array.isArray(value)) checkList(value, `${pathOf(place)}.${name}`, problems);
}

/** Of a list of tokens. */
function checkList(values: readonly unknown[], path: string, problems: Problem[]): void {
  for (let i = 0; i < values.length && problems.length < MOST_PROBLEMS; i++) {
    const value = values[i];
    const message = typeof value === 'number' ? numberProblem(value, true) : undefined;
    if (message !== undefined) problems.push({ path: `${path}.${i}`, message });
  }
}

/** Refuses a number that would be read as another or as none. */
function numberProblem(value: number, isToken: boolean): string | undefined {
  if (!Number.isFinite(value))
    return `${Number.isNaN(value) ? 'NaN is no value' : 'the number is beyond what 64 bits hold'}: leave the field out or give null where it is not known`;
  if (isToken && Number.isInteger(value) && !Number.isSafeInteger(value))
    return `${value} is beyond the whole numbers that JSON carries exactly: send it as a text`;
  return undefined;
}

function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
