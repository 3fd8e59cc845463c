/** Loaded before a program (`node --require`): kills its process just before, or after, the n-th call that changes the file system. */
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

const at = Number(process.env.KILL_AT);
const changes = [
  'mkdirSync',
  'openSync',
  'writeSync',
  'writeFileSync',
  'fsyncSync',
  'closeSync',
  'renameSync',
  'rmSync',
  'rmdirSync',
];
let calls = 0;
for (const name of changes) {
  const call = fs[name];
  fs[name] = (...given) => {
    const isLast = fs.counting === true && ++calls === Math.ceil(at / 2);
    if (isLast && at % 2 === 1) process.kill(process.pid, 'SIGKILL');
    const result = call(...given);
    if (isLast) process.kill(process.pid, 'SIGKILL');
    return result;
  };
}
syncBuiltinESMExports();
