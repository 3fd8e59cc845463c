import { damageTests } from './damage-tests.ts';

damageTests({
  seed: 2,
  damages: {
    'finished runs': 300,
    'interrupted runs': 300,
    artifacts: 500,
    'runs of 0.1': 150,
    'artifacts of 0.1': 150,
  },
});
