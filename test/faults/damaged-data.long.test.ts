import { damageTests } from './damage-tests.ts';

damageTests({
  seed: 2,
  damages: { 'prepared data': 500, 'prepared data without row files': 250, 'prepared data of 0.1': 150 },
});
