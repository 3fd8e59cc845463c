/** Checks a request before anything is computed: every mistake is named by its path, the first few at once. */
import { z } from 'zod';
import { error } from '../base/errors/index.ts';
import { type Problem, shown } from '../config/problems.ts';
import type { Item, RankRequest, Values } from './contract.ts';
import { MOST_PROBLEMS, parseRequest, unknownName } from './parse.ts';

const NAME_LENGTH = 256;

/** The request as a whole; items and values are looked at by hand, which is several times as fast. */
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

/** What requests are held against. */
export interface RequestRules {
  /** Fields of the model. */
  fields: ReadonlySet<string>;
  /** Categorical and multi-value fields: their numbers stand for themselves. */
  tokens: ReadonlySet<string>;
  scenarios: readonly string[];
  hasSequences: boolean;
  unknownFields: 'refuse' | 'ignore';
  /** Items at most. */
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
  if (request.context !== undefined) checkValues(request.context, 'context', rules, problems);
  const idIsGiven = [request.user, request.context].some(
    (values) => values !== undefined && Object.hasOwn(values, 'id'),
  );
  for (let i = 0; i < request.items.length && problems.length < MOST_PROBLEMS; i++)
    checkItem(request.items[i], i, rules, problems, idIsGiven);
  if (problems.length > 0) throw error('REQUEST_INVALID', { problems });
  return { ...request, items: request.items as Item[] };
}

function checkUser(user: Values, rules: RequestRules, problems: Problem[]): void {
  if (!rules.hasSequences) {
    checkValues(user, 'user', rules, problems);
    return;
  }
  const { sequences, ...values } = user;
  if (sequences !== undefined && !isValues(sequences))
    problems.push({ path: 'user.sequences', message: 'expected an object with a list of items for each type' });
  checkValues(values, 'user', rules, problems);
}

function checkItem(
  item: unknown,
  index: number,
  rules: RequestRules,
  problems: Problem[],
  /** Do user or context give the field called `id`, where the model has one? */
  idIsGiven: boolean,
): void {
  const path = `items.${index}`;
  if (!isValues(item)) {
    problems.push({ path, message: `expected an object with an id, found ${shown(item)}` });
    return;
  }
  const { id } = item;
  const isName = typeof id === 'string' ? id.length <= NAME_LENGTH : typeof id === 'number' && Number.isFinite(id);
  if (!isName)
    problems.push({
      path: `${path}.id`,
      message: `expected a number or a text of at most ${NAME_LENGTH} characters, ${id === undefined ? 'found none' : `found ${shown(id)}`}`,
    });
  if (!rules.fields.has('id')) {
    checkValues(item, path, rules, problems);
    return;
  }
  const { id: _, fields: apart, ...others } = item;
  checkValues(others, path, rules, problems);
  if (apart !== undefined && !isValues(apart))
    problems.push({ path: `${path}.fields`, message: 'expected an object of values by field name' });
  else if (apart !== undefined) checkValues(apart, `${path}.fields`, rules, problems);
  if (!idIsGiven && !(isValues(apart) && Object.hasOwn(apart, 'id')))
    problems.push({
      path: `${path}.fields.id`,
      message:
        'is missing: the model has a field called id, and the id of an item is only its name. Give the field here, or in user or context; null where it is not known',
    });
}

/** Are these fields of the model, with numbers that are what was meant? Other values are left to the row encoder. */
function checkValues(values: Values, path: string, rules: RequestRules, problems: Problem[]): void {
  for (const name of Object.keys(values)) {
    const value = values[name];
    if (rules.fields.has(name)) {
      const problem = typeof value === 'number' ? numberProblem(value, rules.tokens.has(name)) : undefined;
      if (problem !== undefined) problems.push({ path: `${path}.${name}`, message: problem });
    } else if (rules.unknownFields === 'refuse' && !(name === 'id' && path.startsWith('items.')))
      problems.push(unknownName(name, `${path}.`, [...rules.fields], 'the model has no such field'));
    if (problems.length >= MOST_PROBLEMS) return;
  }
}

/** A number that would be taken for another, or for none, is refused rather than scored. */
function numberProblem(value: number, isToken: boolean): string | undefined {
  if (!Number.isFinite(value)) return `${value} is no value: leave the field out or give null where it is not known`;
  if (isToken && Number.isInteger(value) && !Number.isSafeInteger(value))
    return `${value} is beyond the whole numbers that JSON carries exactly: send it as a text`;
  return undefined;
}

function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
