// What simple predictors reach on prepared data, and what they cost: mean test AUC and processor seconds of each.
//
//   npm run build && node scripts/yardsticks.js DATA ... [--json]
//
// DATA is a prepared folder. One thread.
import { parseArgs } from 'node:util';
import { evaluationSchema } from '../dist/config/run.js';
import { openPrepared } from '../dist/data/prepared/open.js';
import { fitYardsticks } from '../dist/yardsticks/fit.js';
import { measureYardsticks } from '../dist/yardsticks/measure.js';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
for (const folder of positionals) {
  const data = await openPrepared(folder);
  for (const key of ['logistic', 'trees']) {
    const before = process.cpuUsage();
    const fitted = await fitYardsticks(data, [key]);
    const test = await data.open('test');
    const [{ grid }] = await measureYardsticks(fitted, data.manifest, test, evaluationSchema.parse({}));
    const { user, system } = process.cpuUsage(before);
    const { auc } = grid.macro;
    const shown = 'value' in auc ? auc.value.toFixed(4) : auc.reason;
    const processorSeconds = (user + system) / 1e6;
    console.log(
      values.json
        ? JSON.stringify({ data: folder, key, auc: auc.value, processorSeconds })
        : `${folder}, ${key}: test AUC ${shown}, ${processorSeconds.toFixed(1)} CPU s`,
    );
  }
}
