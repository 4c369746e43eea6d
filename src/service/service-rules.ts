/**
 * What a running service does when files of rules or lookup lists change: it takes sound ones; if they are faulty, it
 * keeps those it has and says why.
 */

import { listFolders, ListWatch } from '../files/list-files.ts';
import type { Metrics } from '../metrics/registry.ts';
import { differenceOf, isDifferent } from '../pipeline/rule-change.ts';
import type { ServiceOptions } from './service.ts';
import { NO_ALERTS_REMEDY, raisesAlerts, type RuleSet } from '../sigma/rule.ts';

/** How many faults of one load get a log line each. */
const LOGGED_FAULTS = 10;

/** A user of rules that can be replaced, as with `Pipeline.replaceRules`. */
interface WorksByRules {
  replaceRules(ruleSet: RuleSet | undefined): void;
}

export interface RulesInService {
  /** Checks the files from now on, and at once if that was requested before. */
  readonly start: (pipeline: WorksByRules) => void;
  /** Call it when other rules have come into force. */
  readonly inForce: (ruleSet: RuleSet) => void;
  readonly stop: () => void;
}

type Options = Pick<ServiceOptions, 'config' | 'ruleSet' | 'reload' | 'logger' | 'clock'>;

export function watchRules(options: Options, metrics: Metrics): RulesInService {
  const { config, reload, logger, clock } = options;
  let { ruleSet } = options;
  showRules(ruleSet, options, metrics);
  let lists = watchLists(options, ruleSet, metrics);
  let pipeline: WorksByRules | undefined;
  let asked = false;

  const read = (): void => {
    if (reload === undefined) return;
    const since = clock.elapsed();
    const loaded = reload.files.load();
    metrics.ruleLoad.set((clock.elapsed() - since) / 1000);
    if ('refusals' in loaded) {
      const { refusals } = loaded;
      metrics.ruleErrors.set(refusals.length);
      for (const { code, message, file, line, column } of refusals.slice(0, LOGGED_FAULTS)) {
        const place = file === undefined ? '' : `${file}:${line}:${column}: `;
        logger.warn({ code, file, line, column }, `rules refused: ${place}${code}: ${message}`);
      }
      logger.warn(
        { code: 'RULES_REFUSED', faults: refusals.length },
        'the rules before stay in force; vigie rules check says all that is wrong',
      );
      return;
    }
    metrics.ruleErrors.set(0);
    const difference = differenceOf(ruleSet, loaded.ruleSet);
    if (!isDifferent(difference)) {
      // Also takes back a change that is not in force yet.
      pipeline?.replaceRules(undefined);
      logger.info('rules read again: nothing that they say has changed');
      return;
    }
    pipeline?.replaceRules(loaded.ruleSet);
  };
  const request = (): void => {
    if (pipeline === undefined) asked = true;
    else read();
  };
  const endRequests = reload?.onRequest(request);
  const listTimer = setInterval(() => lists.look(), config.lists_interval).unref();
  let ruleTimer: NodeJS.Timeout | undefined;
  return {
    start: (running) => {
      pipeline = running;
      if (asked) read();
      if (reload === undefined || config.rules_interval === 0) return;
      ruleTimer = setInterval(() => {
        if (reload.files.look()) read();
      }, config.rules_interval).unref();
    },
    inForce: (now) => {
      const { added, changed, removed } = differenceOf(ruleSet, now);
      for (const { name } of ruleSet.lists.all) {
        if (now.lists.get(name) !== undefined) continue;
        metrics.listRows.remove({ list: name });
      }
      ruleSet = now;
      showRules(now, options, metrics);
      lists = watchLists(options, now, metrics);
      logger.info(
        { added: added.length, changed: changed.length, removed: removed.length },
        'rules reloaded',
      );
    },
    stop: () => {
      clearInterval(listTimer);
      clearInterval(ruleTimer);
      endRequests?.();
    },
  };
}

function showRules(
  { rules, correlations, filters }: RuleSet,
  { logger }: Options,
  { rulesLoaded, ruleInfo }: Metrics,
): void {
  if (!correlations.some(raisesAlerts)) {
    const fields = { code: 'NO_ALERTS', remedy: NO_ALERTS_REMEDY };
    logger.warn(fields, 'no rule raises an alert: nothing will ever be told');
  }
  ruleInfo.reset();
  for (const { key, title, level, kind } of [...rules, ...correlations]) {
    ruleInfo.set({ rule: key, title, level, kind }, 1);
  }
  rulesLoaded.set({ kind: 'rule' }, rules.length);
  rulesLoaded.set({ kind: 'correlation' }, correlations.length);
  rulesLoaded.set({ kind: 'filter' }, filters);
}

/** Keeps the lookup lists of rules in line with their files, whenever `look` is called. */
function watchLists({ config, logger }: Options, { lists }: RuleSet, metrics: Metrics): ListWatch {
  for (const { name, contents } of lists.all) {
    metrics.listRows.set({ list: name }, contents.rows.length);
    metrics.listRefusals.inc({ list: name }, 0);
  }
  return new ListWatch(lists, listFolders(config.rules, config.lists), {
    onReplaced: ({ name, file, contents }) => {
      const { length: rows } = contents.rows;
      metrics.listRows.set({ list: name }, rows);
      logger.info({ list: name, file, rows }, 'lookup list replaced');
    },
    onRefused: ({ name }, file, [fault, ...others]) => {
      metrics.listRefusals.inc({ list: name });
      // The message may quote a cell; place and code are enough to find it.
      logger.warn(
        { code: fault!.code, list: name, file, line: fault!.line, faults: 1 + others.length },
        'lookup list refused: the rows before stay in force; vigie rules check says what is wrong',
      );
    },
  });
}
