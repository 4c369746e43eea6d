/** `vigie pseudonymise`: ids of persons → the pseudonyms that alerts and the archive hold. */

import { join } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import { pseudonymText } from '../event/pseudonyms.ts';
import { SipHash } from '../event/siphash.ts';
import { pseudonymKey } from '../config/pseudonym-key.ts';
import { forEachLine } from './inputs.ts';
import { settingText } from './options.ts';
import { write } from './output.ts';

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
The key is that of VIGIE_PSEUDONYM_KEY or VIGIE_PSEUDONYM_KEY_FILE, else the one in the data folder.

Example:
  cut -d, -f1 jobseekers.csv | vigie pseudonymise | grep -F -f pseudonyms.txt`,
    )
    .action(async ({ input, dataDir }: { input: string; dataDir?: string }) => {
      const config = loadConfig(process.env, dataDir === undefined ? {} : { data_dir: dataDir });
      // With its file named, no key is made: a new one would find nobody.
      const made = config.kafka_brokers === undefined ? join(config.data_dir, 'pseudonym.key') : undefined;
      const file = config.pseudonym_key_file ?? made;
      const hash = new SipHash(pseudonymKey({ ...config, pseudonym_key_file: file }).key);
      let text = '';
      await forEachLine(
        input,
        'pseudonymise',
        (data, start, end) => {
          const id = Buffer.from(data.buffer, data.byteOffset + start, end - start)
            .toString('utf8')
            .trim();
          hash.hashString(id);
          text += `${pseudonymText(hash.out[0]!, hash.out[1]!)}\t${id}\n`;
        },
        async () => {
          await write(text);
          text = '';
        },
      );
    });
}
