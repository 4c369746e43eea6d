/**
 * The backtest in small, for the regression test and its baseline: every incident at its own pace but with fewer
 * records, inside few accounts, and some benign weeks. First alerts come as in the full run; shares do not.
 */

import { incidentNames, planJobs } from '../../src/backtest/jobs.ts';
import { runJobs } from '../../src/backtest/pool.ts';
import { type BacktestReport, reportOf } from '../../src/backtest/report.ts';
import { chosenRules } from '../../src/backtest/rule-choice.ts';
import { loadRulesFor } from '../../src/backtest/scenario-lists.ts';

const DAY_MS = 86_400_000;
const CHOICE = { paths: ['rules'], listsFolder: undefined, placeholders: {}, without: [], sweep: false };

/**
 * Options under which an incident tells its whole story in some ten thousand events, at the pace per account that
 * it has in full.
 */
const REDUCED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'cap-emploi-2024': { records: 2_000_000, pace: '1x' },
  'kairos-2025': { records: 20_000, pace: 340_000 / 7200 },
  'jobseeker-infostealer-2025': { records: 3_000, pace: '1x' },
  'missions-locales-2025': { records: 30_000, pace: 1_600_000 / 86_400 },
  'viamedis-almerys-2024': { records: 1_000_000, pace: '1x' },
  'ddos-rie-2024': { window: '5m' },
  'gael-2026': { records: 1_000_000, pace: '1x' },
  'ficoba-2026': { records: 40_000, pace: '1x' },
  // The reset after eight hours and the second wave belong to the story, so it has its 22 hours and fewer accounts.
  'dgfip-2026': { records: 66_000, accomplices: 4 },
};

export const BASELINE = new URL('baseline.json', import.meta.url);

type Detection = { readonly title: string; readonly timeToDetectMs: number | null; readonly records: number };

/** The figures that are compared. */
export async function measure(): Promise<unknown> {
  const specs = planJobs({
    accounts: 300,
    background: 40,
    learnMs: 28 * DAY_MS,
    judgeMs: 14 * DAY_MS,
    scenarioOptions: Object.fromEntries(incidentNames().map((name) => [name, REDUCED[name] ?? {}])),
  });
  const results = await runJobs(specs, CHOICE, 2, () => {});
  const loaded = loadRulesFor(specs[0]!.scenario, specs[0]!.options, CHOICE);
  return figuresOf(reportOf(chosenRules(loaded, CHOICE), results, {}));
}

function short(detection: Detection | null) {
  return (
    detection && {
      rule: detection.title,
      timeToDetectMs: detection.timeToDetectMs,
      records: detection.records,
    }
  );
}

function figuresOf({ incidents, falseAlerts, rules }: BacktestReport): unknown {
  const titles = new Map(rules.map(({ rule, title }) => [rule, title]));
  return {
    incidents: Object.fromEntries(
      incidents.map(({ name, events, records, detected, inDepth, rules: verdicts, falseAlerts: around }) => [
        name,
        {
          events,
          records,
          medium: short(detected.medium),
          high: short(detected.high),
          critical: short(detected.critical),
          inDepth: short(inDepth),
          rules: verdicts.map((verdict) => ({
            ...short(verdict),
            alerts: verdict.alerts,
            inhibited: verdict.inhibited,
          })),
          falseAlerts: around,
        },
      ]),
    ),
    falseAlerts: falseAlerts!.rows.map(({ rule, cause, alerts, inhibited }) => ({
      rule: titles.get(rule)!,
      cause,
      alerts,
      inhibited,
    })),
  };
}
