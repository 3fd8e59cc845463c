// The WASM SIMD kernels (AssemblyScript). `npm run build:kernels` compiles this folder to ../generated/module.ts.
// Addresses and lengths are unsigned 32-bit: memories up to 4 GiB. ../plain.ts gives the same bits in TypeScript.
export { gather, scatterUnique, spreadRows, clearRows } from './embedding';
export { adam, adamRows, adamTable, sgd, sgdMomentum, sgdRows } from './optimizer';
export { sumOfSquares, largest, dropoutMask } from './vector';
