import { type Command, InvalidArgumentError } from 'commander';
import { error } from '../../../base/errors/index.ts';
import { readWorld } from '../../../data/recipes/synthetic.ts';
import type { World } from '../../../data/synthetic/world.ts';
import type { SimulationDocument } from '../../../documents/loop/simulation.ts';
import { secretOf } from '../../../events/unit.ts';
import { simulationText } from '../../../report/loop/simulation.ts';
import type { Loss } from '../../../simulate/options.ts';
import { armsOverDays, openSimulation, overDays } from '../../../simulate/simulate.ts';
import { readState, writeState } from '../../../simulate/state.ts';
import { helpEnd } from '../../help.ts';
import {
  address,
  collect,
  duration,
  jsonOption,
  number,
  RequiredOption,
  seedOption,
  wholeNumber,
  worths,
} from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  url: string;
  key?: string;
  model?: string;
  days: number;
  from?: number;
  requests?: number;
  candidates?: number;
  show?: number;
  positionBias?: number;
  delay?: number;
  refunds?: number;
  drift?: number[];
  reward?: string[];
  lose?: Loss[];
  seed?: number;
  connections?: number;
  state?: string;
  events: boolean;
  json?: boolean;
}

export function simulate(program: Command): void {
  const verb = program
    .command('simulate')
    .summary('let users of a synthetic world ask a running service')
    .description(
      'Users of a world that `prepare synthetic` made ask a service over HTTP, look at the items from the top down, and react by the ' +
        "planted truth. Says what the world expects of the lists that were shown, of the best ones and of random ones. The service's " +
        'configuration needs events with `clock: requests`, since simulated days pass in seconds; see docs/loop.md.',
    )
    .argument('<world>', 'the source folder of the world')
    .addOption(new RequiredOption('--url <address>', 'of the service, as http://127.0.0.1:8080').argParser(address))
    .option('--key <env:NAME>', 'the environment variable that holds a key of the service')
    .option('--model <name>', 'the model to ask (default: the first that is served)')
    .option('--days <n>', 'days to simulate', wholeNumber(1), 1)
    .option('--from <date>', 'the first day (default: 2024-01-31, the day after the rows of the world)', date)
    .option('--requests <n>', 'requests a day (default: 1000)', wholeNumber(1))
    .option('--candidates <n>', 'items of a request (default: 20)', wholeNumber(1))
    .option('--show <n>', 'items that users see (default: 5)', wholeNumber(1))
    .option(
      '--position-bias <b>',
      'the item at position j (from 1) is looked at with probability j^-b (default: 1)',
      number(0),
    )
    .option('--delay <age>', 'mean time between two labels of an item, such as 6h (default: 5m)', duration)
    .option(
      '--refunds <share>',
      "share of the last task's labels that are taken back, a day later on average",
      number(0, 1),
    )
    .option('--drift <day>', 'from this day (1 is the first) on users have other tastes; may be repeated', days)
    .option('--reward <task=worth>', 'what a label is worth; may be repeated (default: 1 for each task)', collect)
    .option(
      '--lose <experiment/arm=share>',
      'this share of the users of an arm is lost before they ask, such as flows/treatment=0.02; may be repeated',
      losses,
    )
    .addOption(seedOption('who asks for what, and the names of requests (default: 1)'))
    .option('--connections <n>', 'requests at a time (default: 4)', wholeNumber(1))
    .option('--state <file>', 'go on where the last command with this file ended: its days, and events not yet due')
    .option('--no-events', 'send nothing of what users do: only measure the service')
    .addOption(jsonOption())
    .action(run);
  helpEnd(verb, [
    'tributary simulate world --url http://127.0.0.1:8080 --days 7 --drift 3',
    'tributary simulate world --url http://127.0.0.1:8080 --key env:SHOP_KEY --state shop.json --json',
  ]);
}

async function run(path: string, options: Options): Promise<void> {
  const { state, json, key, days: wanted, requests, show, reward, ...given } = options;
  const started = performance.now();
  const world = readWorld(path);
  const asked = {
    ...given,
    world,
    key: key === undefined ? undefined : secretOf(key, '--key'),
    ...(requests !== undefined && { requestsADay: requests }),
    ...(show !== undefined && { shown: show }),
    ...(reward !== undefined && { reward: rewards(reward, world) }),
  };
  const { shop } = openSimulation(asked);
  const progress = state === undefined ? undefined : readState(state, shop);
  const simulation = openSimulation({ ...asked, progress });
  const found: SimulationDocument['days'] = [];
  for (let i = 0; i < wanted; i++) {
    const day = await simulation.next();
    found.push(day);
    if (state !== undefined) writeState(state, shop, simulation.progress());
    if (json) printJson({ event: 'day', ...day });
  }
  if (state === undefined) await simulation.flush();
  const document: SimulationDocument = {
    schema: 'simulation/1',
    world: path,
    url: options.url,
    seed: shop.seed,
    requestsADay: shop.requestsADay,
    candidates: shop.candidates,
    shown: shop.shown,
    positionBias: shop.positionBias,
    reward: { ...shop.reward },
    events: options.events,
    days: found,
    all: overDays(found),
    arms: armsOverDays(found),
    seconds: (performance.now() - started) / 1000,
  };
  if (json) printJson({ event: 'result', ...document });
  else print(simulationText(document));
}

function date(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new InvalidArgumentError('Expected a date as 2024-01-31.');
  return time;
}

const days = (text: string, before: number[] = []): number[] => [...before, wholeNumber(1)(text)];

function losses(text: string, before: Loss[] = []): Loss[] {
  const [, experiment, arm, share] = /^(.+)\/([^/=]+)=(\d*\.?\d+)$/.exec(text) ?? [];
  const lost = { experiment, arm, share: Number(share) };
  if (!(lost.share > 0 && lost.share <= 1))
    throw new InvalidArgumentError('Expected experiment, arm and a share, as flows/treatment=0.02.');
  return [...before, lost];
}

/** @throws USAGE */
function rewards(texts: readonly string[], world: World): Record<string, number> {
  const found = worths(texts, 'tributary simulate');
  const { tasks } = world.planted;
  const unknown = Object.keys(found).find((task) => !tasks.includes(task));
  if (unknown === undefined) return found;
  const problem = `--reward ${unknown}: the world has the tasks ${tasks.join(', ')}`;
  throw error('USAGE', { problem, command: 'tributary simulate' });
}
