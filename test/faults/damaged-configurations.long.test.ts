import { damageTests } from './damage-tests.ts';

damageTests({ seed: 2, damages: {}, configurations: { damages: 500, refused: 150, prepares: true } });
