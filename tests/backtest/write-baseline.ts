/** `npm run backtest:baseline`: measures anew what the regression test compares with. */

import { writeFile } from 'node:fs/promises';
import { BASELINE, measure } from './measure.ts';

await writeFile(BASELINE, `${JSON.stringify(await measure(), undefined, 2)}\n`);
