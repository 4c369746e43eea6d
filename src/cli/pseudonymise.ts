/** `vigie pseudonymise`: persons' ids → the pseudonyms that alerts and the archive hold. */

import type { Command } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import { pseudonymText } from '../event/pseudonyms.ts';
import { settingText } from './options.ts';
import { write } from './output.ts';
import { forEachPersonId, KEY_OF_SETTINGS, personHash } from './person-ids.ts';

export function pseudonymiseCommand(program: Command): void {
  program
    .command('pseudonymise')
    .summary('hash a list of persons’ ids, to find them among the pseudonyms')
    .description(
      'Reads one id per line from standard input and prints `pseudonym<TAB>id`. With the key, the portal’s own list finds its persons again; nothing else does.',
    )
    .option('-i, --input <file>', 'ids, one per line, - for standard input', '-')
    .option('-d, --data-dir <folder>', 'data folder (default: VIGIE_DATA_DIR)', settingText('data_dir'))
    .addHelpText(
      'after',
      `
${KEY_OF_SETTINGS}

Example:
  cut -d, -f1 jobseekers.csv | vigie pseudonymise | grep -F -f pseudonyms.txt`,
    )
    .action(async ({ input, dataDir }: { input: string; dataDir?: string }) => {
      const config = loadConfig(process.env, { data_dir: dataDir });
      let text = '';
      await forEachPersonId(
        input,
        'pseudonymise',
        personHash(config),
        (id, hi, lo) => {
          text += `${pseudonymText(hi, lo)}\t${id}\n`;
        },
        async () => {
          await write(text);
          text = '';
        },
      );
    });
}
