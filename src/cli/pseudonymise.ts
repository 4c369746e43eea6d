/** `vigie pseudonymise`: ids of persons → the pseudonyms that alerts and the archive hold. */

import type { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { pseudonymText } from '../event/pseudonyms.ts';
import { SipHash } from '../event/siphash.ts';
import { pseudonymKey } from '../pseudonym-key.ts';
import { forEachLine } from './inputs.ts';
import { write } from './output.ts';

export function pseudonymiseCommand(program: Command): void {
  program
    .command('pseudonymise')
    .summary('hash a list of persons’ ids, to find them among the pseudonyms')
    .description(
      'Reads one id per line from standard input and prints `pseudonym<TAB>id`. With the key, the portal’s own list finds its persons again; nothing else does.',
    )
    .option('-i, --input <file>', 'ids, one per line, - for standard input', '-')
    .addHelpText(
      'after',
      '\nExample:\n  cut -d, -f1 jobseekers.csv | vigie pseudonymise | grep -F -f pseudonyms.txt',
    )
    .action(async ({ input }: { input: string }) => {
      const hash = new SipHash(pseudonymKey(loadConfig(process.env)).key);
      const lines: string[] = [];
      await forEachLine(input, (data, start, end) => {
        const id = Buffer.from(data.buffer, data.byteOffset + start, end - start)
          .toString('utf8')
          .trim();
        hash.hashString(id);
        lines.push(`${pseudonymText(hash.out[0]!, hash.out[1]!)}\t${id}\n`);
      });
      for (const line of lines) await write(line);
    });
}
