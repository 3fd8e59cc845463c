/** A search for options: its history, which options matter, and the trials by each of them. */
import { dot, line, type PlotOptions } from '@observablehq/plot';
import { useCallback } from 'preact/hooks';
import type { TrialRecord } from '../../documents/tuning.ts';
import { MONITOR_NAMES } from '../../report/tuning.ts';
import { Bars } from '../components/bars.tsx';
import { Chart, draws } from '../components/chart.tsx';
import { fitted } from '../components/forest.tsx';
import { Name } from '../components/name.tsx';
import { colour } from '../components/palette.tsx';
import { Figures, Folded, Note, Section } from '../components/section.tsx';
import { type Column, numbers, Table, texts } from '../components/table.tsx';
import { Num } from '../components/value.tsx';
import type { TuningPage } from '../page.ts';

export function Tuning({ page }: { page: TuningPage }) {
  const { tuning } = page;
  const { trials, hints, monitor, parameters, over } = tuning;
  return (
    <>
      <Section id="history" title="How the search went">
        <History page={page} />
        <Note>
          A point is a trial: its best validation {MONITOR_NAMES[monitor]}, a mean over {over}. The line is the best so
          far. No trial was measured on test rows.
        </Note>
        <Folded title={`Table of ${trials.length} trials`}>
          <Table caption="Trials, best first" rows={trials} at={['tuning', 'trials']} columns={columnsOf(page)} />
        </Folded>
      </Section>
      {hints.length > 0 && (
        <Section id="importance" title="Which options matter">
          <Bars
            label="How strongly the value goes with each option"
            unit="strength"
            most={1}
            rows={hints.map(({ path }, i) => ({ name: path, value: ['tuning', 'hints', i, 'strength'] }))}
          />
          <Note>
            How strongly the value goes with an option: Spearman's rank correlation without its sign, or the correlation
            ratio of ranks for choices. A hint for the next space, not a proof.
          </Note>
          <Table
            caption="Options, strongest first"
            rows={hints}
            at={['tuning', 'hints']}
            columns={[
              texts('option', 'path'),
              numbers('strength', 'strength', 'number', '0 to 1'),
              {
                title: 'better where',
                show: ({ better }) =>
                  typeof better === 'string' ? better : <Name of={JSON.stringify(better.choice)} />,
              },
              numbers('trials', 'trials', 'count'),
            ]}
          />
        </Section>
      )}
      <Section id="slices" title="Trials by option">
        <Figures
          size="multiples"
          of={parameters}
          names={(path) => [path]}
          show={(path) => <Slice page={page} path={path} />}
        />
        <Note>
          Validation {MONITOR_NAMES[monitor]} of each trial by the value of one option; the filled point is the best
          trial.
        </Note>
      </Section>
    </>
  );
}

function columnsOf({ tuning }: TuningPage): Column<TrialRecord>[] {
  return [
    numbers('trial', 'trial', 'count'),
    numbers(MONITOR_NAMES[tuning.monitor], 'value', 'metric'),
    numbers('epochs', 'epochs', 'count'),
    numbers('time', 'seconds', 'duration'),
    ...tuning.parameters.map(
      (path): Column<TrialRecord> => ({
        title: path,
        isNumber: true,
        show: ({ parameters }, at) =>
          typeof parameters[path] === 'number' ? (
            <Num at={[...at, 'parameters', path]} as="number" />
          ) : (
            <Name of={parameters[path] === undefined ? '–' : shown(parameters[path])} />
          ),
      }),
    ),
    { title: 'failure', show: ({ failure }) => failure ?? '' },
  ];
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function History({ page }: { page: TuningPage }) {
  const draw = useCallback(
    (width: number): PlotOptions => {
      const { trials, monitor } = page.tuning;
      const known = trials.flatMap(({ trial, value }, i) => (value === null ? [] : [{ trial, value, i }]));
      const records = page.records.map((i) => known.find((one) => one.i === i)!);
      const last = Math.max(...trials.map(({ trial }) => trial));
      const best = [...records, ...(records.length > 0 ? [{ ...records[records.length - 1], trial: last }] : [])];
      return {
        height: 280,
        marginLeft: 56,
        x: { label: 'trial', tickFormat: 'd', ticks: Math.min(10, last + 1, Math.floor(width / 60)) },
        y: { label: `validation ${MONITOR_NAMES[monitor]}`, grid: true, nice: true },
        marks: [
          line(best, { x: 'trial', y: 'value', stroke: colour(1), curve: 'step-after' }),
          dot(known, {
            x: 'trial',
            y: 'value',
            r: 4,
            fill: colour(0),
            ...draws(known, ({ i }) => ({
              cx: ['tuning', 'trials', i, 'trial'],
              cy: ['tuning', 'trials', i, 'value'],
            })),
          }),
        ],
      };
    },
    [page],
  );
  return <Chart label="Value of each trial" draw={draw} />;
}

function Slice({ page, path }: { page: TuningPage; path: string }) {
  const draw = useCallback(
    (width: number): PlotOptions => {
      const { trials } = page.tuning;
      const points = trials.flatMap(({ parameters, value }, i) =>
        value === null || parameters[path] === undefined ? [] : [{ x: parameters[path], value, i }],
      );
      const isNumber = points.every(({ x }) => typeof x === 'number');
      const numbers = points.map(({ x }) => Number(x));
      const isLog = isNumber && Math.min(...numbers) > 0 && Math.max(...numbers) / Math.min(...numbers) > 50;
      return {
        height: 200,
        marginTop: 8,
        marginLeft: 52,
        marginRight: 12,
        x: isNumber
          ? { label: null, ticks: 4, type: isLog ? 'log' : 'linear', ...(isLog && { tickFormat: '~g' }) }
          : {
              label: null,
              type: 'point',
              tickFormat: (text: string) => fitted(text, (width - 70) / new Set(points.map(({ x }) => shown(x))).size),
            },
        y: { label: null, grid: true, nice: true, ticks: 4 },
        marks: [
          dot(points, {
            x: ({ x }: (typeof points)[number]) => (isNumber ? x : shown(x)),
            y: 'value',
            r: 3.5,
            stroke: colour(0),
            fill: ({ i }: (typeof points)[number]) => (i === 0 ? colour(0) : 'var(--paper)'),
            ...draws(points, ({ i }) => ({ cy: ['tuning', 'trials', i, 'value'] })),
          }),
        ],
      };
    },
    [page, path],
  );
  return <Chart label={`Value of the trials by ${path}`} draw={draw} />;
}
