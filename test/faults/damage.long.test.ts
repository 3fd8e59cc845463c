import { damageTests } from './damage-tests.ts';

damageTests({
  seed: 2,
  damages: {
    'prepared data': 500,
    'prepared data without row files': 250,
    'finished runs': 300,
    'interrupted runs': 300,
    artifacts: 500,
    'prepared data of 0.1': 150,
    'runs of 0.1': 150,
    'artifacts of 0.1': 150,
  },
  configurations: { damages: 500, refused: 150, prepares: true },
});
