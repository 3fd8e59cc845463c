import { damageTests } from './damage-tests.ts';

damageTests({
  seed: 1,
  damages: {
    'prepared data': 12,
    'prepared data without row files': 12,
    'finished runs': 10,
    'interrupted runs': 10,
    artifacts: 30,
    'prepared data of 0.1': 12,
    'runs of 0.1': 8,
    'artifacts of 0.1': 16,
  },
  // What the model is made of: checkpoints, reports and times are not read again.
  ofRuns: (file) => !/^(checkpoints|report|timings)/.test(file),
  configurations: { damages: 30, refused: 8, prepares: false },
});
