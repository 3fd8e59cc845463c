/** Every model on WebGPU, by a GPU in software: training graphs, and an artifact that is served. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fixture, temporaryFolder } from '../data/support.ts';
import { softwareGpu } from './software-gpu.ts';

const COMMAND = join(import.meta.dirname, '../../bin/tributary.js');
const why = 'chromium (SwiftShader) or libvulkan1 is not installed';

test('the first fixture of each model agrees', ({ skip }) => {
  const gpu = softwareGpu(temporaryFolder());
  if (gpu === undefined) return skip(why);
  const first = readdirSync(fixture('models')).map((model) => {
    const [file] = readdirSync(fixture(join('models', model))).filter((name) => name.endsWith('.json'));
    return `${model}/${file.replace('.json', '')}`;
  });
  const words = ['parity', fixture('.'), '--only', `models/{${first.join(',')}}`, '--device', 'webgpu'];
  const text = execFileSync(process.execPath, [COMMAND, ...words], {
    env: { ...process.env, ...gpu },
    encoding: 'utf8',
  });
  expect(text).toContain(`${first.length} of ${first.length} fixtures agree`);
});

test('an artifact answers as on the CPU, within 1e-5; a run trains', ({ skip }) => {
  const folder = temporaryFolder();
  const gpu = softwareGpu(folder);
  if (gpu === undefined) return skip(why);
  const tributary = (...words: string[]): string =>
    execFileSync(process.execPath, [COMMAND, ...words], {
      env: { ...process.env, ...gpu },
      cwd: folder,
      encoding: 'utf8',
    });
  tributary('prepare', 'synthetic', '--rows', '2000', '--source', 'world', '--out', 'data');
  const train = ['--model', 'shared-bottom', '--set', 'train.maxEpochs=1', '--yardsticks', 'none', '--out', 'run'];
  expect(tributary('train', '--data', 'data', ...train, '--device', 'webgpu')).toContain('device      webgpu');
  const probabilities = (device: string): number[] => {
    const [csv] = readdirSync(join(folder, 'world')).filter((name) => /\.(csv|parquet)$/.test(name));
    tributary('predict', 'run', '--input', join('world', csv), '--output', `${device}.csv`, '--device', device);
    const [, ...lines] = readFileSync(join(folder, `${device}.csv`), 'utf8')
      .trim()
      .split('\n');
    return lines.flatMap((line) => line.split(',').map(Number)).filter((value) => value > 0 && value < 1);
  };
  const [cpu, webgpu] = [probabilities('cpu'), probabilities('webgpu')];
  expect(cpu.length).toBeGreaterThan(1000);
  expect(webgpu).toHaveLength(cpu.length);
  const worst = cpu.reduce((most, value, i) => Math.max(most, Math.abs(value - webgpu[i])), 0);
  expect(worst).toBeLessThan(1e-5);

  const bench = tributary('bench', 'device', '--model', 'shared-bottom', '--batch', '8', '--steps', '1');
  expect(bench).toMatch(/^shared-bottom train 8 webgpu +[\d.]+/m);
});
