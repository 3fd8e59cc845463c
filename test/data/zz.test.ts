import { test } from 'vitest';
import { createWorld, plantedTruth } from '/work/main/src/data/synthetic/world.ts';
import { DuckDBInstance } from '@duckdb/node-api';
test('x', async () => {
  const w = createWorld({ seed: 3 });
  console.log(JSON.stringify(plantedTruth(w)).slice(0,600));
  for (const n of [100_000, 2_000_000]) {
  const t = Date.now();
  await w.writeParquet('/tmp/exp/s.parquet', { rows: n, probabilities: n === 100000 });
  console.log(n, Date.now() - t, process.memoryUsage().rss/1e6);
  if (n===100000) {
  const c = await (await DuckDBInstance.create()).connect();
  const r = (await c.runAndReadAll(`select * from '/tmp/exp/s.parquet' limit 5`)).getRowObjectsJS(); console.log(r);
  const all = (await c.runAndReadAll(`select * from '/tmp/exp/s.parquet' limit 20000`)).getRowObjectsJS();
  let worst=0, bad=0;
  const t2=Date.now();
  all.forEach((x:any,i)=>{const row=w.row(i); if(row.user!==x.user_id||row.item!==x.item_id||w.planted.scenarios[row.scenario]!==x.scenario||row.labels[0]!==x.click||row.labels[1]!==x.like) bad++; const p=w.probabilities(row); worst=Math.max(worst,Math.abs(p[0]-x.probability_click),Math.abs(p[1]-x.probability_like)); const f=w.fields(row); for(const k in f) if(f[k]!==x[k]) bad++;});
  console.log('worst',worst,'bad',bad,Date.now()-t2);
  console.log((await c.runAndReadAll(`select scenario, count(*), avg(click),avg("like"), avg(probability_click), avg(probability_like) from '/tmp/exp/s.parquet' group by all`)).getRows());
  }}
}, 120000);
