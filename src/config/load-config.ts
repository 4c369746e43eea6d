/**
 * Settings: environment over file over default → validated and frozen.
 *
 * An unknown or invalid setting stops the start with its name, its value (unless secret) and the remedy. All faults are
 * reported at once.
 */

import { readConfigFile } from './config-file.ts';
import { VigieError } from '../errors.ts';
import { type Config, type Setting, SETTINGS } from './settings.ts';
import { nearest } from '../sigma/nearest.ts';

/**
 * Text that may be an address with a secret in it. A secret may hold any character, so the pattern errs on the safe
 * side.
 */
const MAY_HOLD_SECRET = /@|:.*\?/s;

/**
 * Reads the settings. `env` is the process environment; its `VIGIE_CONFIG` names an optional YAML or JSON file.
 * `overrides` are command-line options by setting name and take precedence, unless undefined. Throws CONFIG_INVALID.
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  overrides: Readonly<Record<string, unknown>> = {},
): Config {
  const file = env['VIGIE_CONFIG'] === '' ? undefined : env['VIGIE_CONFIG'];
  const faults: string[] = [];
  const fromFile = file === undefined ? {} : readConfigFile(file);
  for (const name of Object.keys(fromFile)) {
    if (!Object.hasOwn(SETTINGS, name)) faults.push(`${file}: ${name} is no setting${inFile(name)}`);
  }
  const known = new Set(Object.values(SETTINGS).map((entry) => entry.env));
  for (const name of Object.keys(env)) {
    if (name.startsWith('VIGIE_') && name !== 'VIGIE_CONFIG' && !known.has(name)) {
      faults.push(`${name} is no setting${didYouMean(name, known)}`);
    }
  }
  const values: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(SETTINGS) as [string, Setting<unknown>][]) {
    const fromEnv = env[entry.env] === '' ? undefined : env[entry.env];
    const value =
      overrides[name] ?? fromEnv ?? (fromFile[name] === null ? undefined : fromFile[name]) ?? entry.default;
    const parsed = entry.schema.safeParse(value);
    if (parsed.success) {
      values[name] = parsed.data;
      continue;
    }
    const place =
      overrides[name] !== undefined
        ? `option for ${name}`
        : fromEnv !== undefined
          ? entry.env
          : `${file ?? 'default'}: ${name}`;
    const written = JSON.stringify(value);
    const shown = entry.secret === true || MAY_HOLD_SECRET.test(written) ? '(a secret)' : written;
    faults.push(`${place} is ${shown}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}`);
  }
  if (faults.length > 0) {
    throw new VigieError('CONFIG_INVALID', faults.join('\n'), {
      remedy: 'Correct or remove these settings; docs/configuration.md lists all of them.',
    });
  }
  return Object.freeze(values) as Config;
}

/** Suggests the setting's name in the file, also for people who write the variable's name there. */
function inFile(name: string): string {
  const entries = Object.entries(SETTINGS);
  const variable = nearest(
    name,
    entries.map(([, { env }]) => env),
  );
  const meant = entries.find(([, { env }]) => env === variable)?.[0] ?? nearest(name, Object.keys(SETTINGS));
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

function didYouMean(name: string, candidates: Iterable<string>): string {
  const near = nearest(name, candidates);
  return near === undefined ? '' : `; did you mean ${near}?`;
}
