/** Mappings on disk: the ready ones that come with Vigie, by name, and those of a user, by path. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { messageOf, VigieError } from '../errors.ts';
import { parseMapping, type ParsedMapping } from '../event/mapping/parse-mapping.ts';
import { suggestion } from '../sigma/nearest.ts';

// Beside src in a checkout; in the package the code lies one folder deeper, in dist.
const IN_CHECKOUT = new URL('../../mappings/', import.meta.url);
const READY = existsSync(IN_CHECKOUT) ? IN_CHECKOUT : new URL('../../../mappings/', import.meta.url);

/** Names of the ready mappings, sorted. */
export function readyMappings(): readonly string[] {
  return readdirSync(READY)
    .filter((file) => file.endsWith('.yml'))
    .map((file) => file.slice(0, -'.yml'.length))
    .sort();
}

/** The file of a mapping: that of a ready one if the text is its name, else the path itself. */
function mappingFile(nameOrPath: string): string {
  return readyMappings().includes(nameOrPath)
    ? fileURLToPath(new URL(`${nameOrPath}.yml`, READY))
    : nameOrPath;
}

/** Text of a mapping file. Throws MAPPING_UNREADABLE. */
export function readMappingFile(nameOrPath: string): { readonly file: string; readonly text: string } {
  const file = mappingFile(nameOrPath);
  try {
    return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)) };
  } catch (cause) {
    const names = readyMappings();
    const reason = existsSync(file)
      ? messageOf(cause)
      : 'there is no such file, and no ready mapping of that name';
    throw new VigieError('MAPPING_UNREADABLE', `cannot read the mapping ${nameOrPath}: ${reason}`, {
      remedy: `Give the path of a mapping file, or one of ${names.join(', ')}${suggestion(nameOrPath, names) || '.'}`,
      cause,
    });
  }
}

/** Reads and checks a mapping. Throws MAPPING_UNREADABLE; what is wrong in the file is in `faults`. */
export function loadMapping(nameOrPath: string): ParsedMapping {
  const { file, text } = readMappingFile(nameOrPath);
  return parseMapping(file, text);
}
