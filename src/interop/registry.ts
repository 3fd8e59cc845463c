/** The published implementations that weights can be exchanged with, by the key of our model. */
import type { CommonOptions } from '../model/contract.ts';
import type { ReferenceLayout } from './contract.ts';
import { adasparse } from './layouts/adasparse.ts';
import { aesm2 } from './layouts/aesm2.ts';
import { aitm } from './layouts/aitm.ts';
import { autoifs } from './layouts/autoifs.ts';
import { dtrn } from './layouts/dtrn.ts';
import { esmm } from './layouts/esmm.ts';
import { hinet } from './layouts/hinet.ts';
import { m2m } from './layouts/m2m.ts';
import { m3oe } from './layouts/m3oe.ts';
import { mmoe } from './layouts/mmoe.ts';
import { pepnet } from './layouts/pepnet.ts';
import { ple } from './layouts/ple.ts';
import { sharedBottom } from './layouts/shared-bottom.ts';
import { singleTask } from './layouts/single-task.ts';
import { star } from './layouts/star.ts';

// Each layout takes the options of its own model; behind the registry they are just options.
export const layouts = new Map(
  Object.entries({
    adasparse,
    aesm2,
    aitm,
    autoifs,
    dtrn,
    esmm,
    hinet,
    m2m,
    m3oe,
    mmoe,
    pepnet,
    ple,
    'shared-bottom': sharedBottom,
    'single-task': singleTask,
    star,
  }),
) as unknown as ReadonlyMap<string, ReferenceLayout<CommonOptions>>;
