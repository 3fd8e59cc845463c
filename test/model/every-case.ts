/** The cases of every model of the zoo. */

import { ADASPARSE_CASES } from './adasparse-cases.ts';
import { AESM2_CASES } from './aesm2-cases.ts';
import { AITM_CASES } from './aitm-cases.ts';
import { AUTOIFS_CASES } from './autoifs-cases.ts';
import type { ModelCases } from './contract.ts';
import { CROSS_STITCH_CASES } from './cross-stitch-cases.ts';
import { DTRN_CASES } from './dtrn-cases.ts';
import { ESMM_CASES } from './esmm-cases.ts';
import { HINET_CASES } from './hinet-cases.ts';
import { M2M_CASES } from './m2m-cases.ts';
import { M3OE_CASES } from './m3oe-cases.ts';
import { MMOE_CASES } from './mmoe-cases.ts';
import { PEPNET_CASES } from './pepnet-cases.ts';
import { PLE_CASES } from './ple-cases.ts';
import { SHARED_BOTTOM_CASES } from './shared-bottom-cases.ts';
import { SINGLE_TASK_CASES } from './single-task-cases.ts';
import { STAR_CASES } from './star-cases.ts';
import { STREAMS_CASES } from './streams-cases.ts';

/** By the key of the model. */
export const CASES: Record<string, ModelCases> = {
  adasparse: ADASPARSE_CASES,
  aesm2: AESM2_CASES,
  aitm: AITM_CASES,
  autoifs: AUTOIFS_CASES,
  'cross-stitch': CROSS_STITCH_CASES,
  dtrn: DTRN_CASES,
  esmm: ESMM_CASES,
  hinet: HINET_CASES,
  m2m: M2M_CASES,
  m3oe: M3OE_CASES,
  mmoe: MMOE_CASES,
  pepnet: PEPNET_CASES,
  ple: PLE_CASES,
  'shared-bottom': SHARED_BOTTOM_CASES,
  'single-task': SINGLE_TASK_CASES,
  star: STAR_CASES,
  streams: STREAMS_CASES,
};
