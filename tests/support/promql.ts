/**
 * Checks what a PromQL query asks for against the metrics that exist. To Prometheus a mistyped metric or label is not
 * an error but an empty answer, and an alert on it never fires.
 *
 * The grammar is Prometheus' own. The labels of every part of the query are derived from those of its metrics, so that
 * grouping, matching or a legend by a missing label is found.
 */

import { parser } from '@prometheus-io/lezer-promql';
import type { MetricDefinition } from '../../src/metrics/definition.ts';
import { ALL_METRICS } from '../../src/metrics/names.ts';
import { createCanaryMetrics, createMetrics, createNotifyMetrics } from '../../src/metrics/registry.ts';

type Node = ReturnType<typeof parser.parse>['topNode'];
type Labels = ReadonlySet<string>;

interface Series {
  readonly labels: readonly string[];
  readonly counter: boolean;
}

interface QueryCheck {
  readonly faults: readonly string[];
  /** Names of the metrics, as in the tables. */
  readonly metrics: ReadonlySet<string>;
  /** Labels that the resulting series can have. */
  readonly labels: Labels;
}

/** Labels that Prometheus adds to everything it scrapes. */
const TARGET_LABELS = ['instance', 'job'];
/** Functions that turn a counter, which restarts at zero, into a comparable value. */
const OF_COUNTERS = new Set(['rate', 'increase', 'changes', 'resets']);
const WITHOUT_LABELS = new Set(['absent', 'absent_over_time', 'vector']);
const SCALARS = new Set(['scalar', 'time', 'pi']);
const FILTERS = new Set(['topk', 'bottomk', 'limitk', 'limit_ratio']);

/** By the name of the series; a histogram has three. */
const KNOWN: ReadonlyMap<string, Series & { readonly metric: string }> = new Map([
  ['up', { metric: 'up', labels: [], counter: false }],
  ...[createMetrics('0.0.0').registry, createCanaryMetrics().registry, createNotifyMetrics().registry]
    .flatMap((registry) => registry.getMetricsAsArray())
    .flatMap((metric) => seriesOf(metric.name, String(metric.type), definitions().get(metric.name)?.labels)),
]);

/** Grafana variables are replaced by a duration here; within a label's value they are plain text. */
export function checkQuery(query: string): QueryCheck {
  const text = query.replaceAll(/\$__(?:rate_interval|interval|range)\b/g, '5m');
  const faults: string[] = [];
  const metrics = new Set<string>();
  const of = (node: Node): string => text.slice(node.from, node.to);

  const known = (names: readonly string[], labels: Labels, where: Node): void => {
    for (const name of names) {
      if (!labels.has(name)) faults.push(`no label ${name} in: ${of(where)}`);
    }
  };

  const selector = (node: Node): Labels => {
    const name = node.getChild('Identifier');
    const series = name === null ? undefined : KNOWN.get(of(name));
    if (series === undefined) {
      faults.push(`no metric ${of(node)}`);
      return new Set();
    }
    metrics.add(series.metric);
    if (series.counter && !OF_COUNTERS.has(callAround(node, of)) && !isJustStarted(node, of)) {
      faults.push(`a counter is no value in itself: ${of(name!)}`);
    }
    const labels = new Set([...series.labels, ...TARGET_LABELS]);
    const matched = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
    known(
      matched.map((matcher) => of(matcher.getChild('LabelName')!)),
      labels,
      node,
    );
    return labels;
  };

  const aggregate = (node: Node): Labels => {
    const body = node.getChild('FunctionCallBody')!;
    const inner = labelsOf(body.lastChild!) ?? new Set();
    const modifier = node.getChild('AggregateModifier');
    const named = namesIn(modifier, of);
    known(named, inner, node);
    if (FILTERS.has(of(node.getChild('AggregateOp')!))) return inner;
    if (modifier?.getChild('By') !== null && modifier !== null) return new Set(named);
    if (modifier !== null) return new Set([...inner].filter((label) => !named.includes(label)));
    return new Set();
  };

  const call = (node: Node): Labels | undefined => {
    const name = of(node.getChild('FunctionIdentifier')!);
    const body = node.getChild('FunctionCallBody');
    const inner = children(body)
      .map(labelsOf)
      .find((labels) => labels !== undefined);
    if (SCALARS.has(name)) return undefined;
    if (WITHOUT_LABELS.has(name) || inner === undefined) return new Set();
    if (name !== 'histogram_quantile') return inner;
    known(['le'], inner, node);
    return new Set([...inner].filter((label) => label !== 'le'));
  };

  const binary = (node: Node): Labels | undefined => {
    const operands = children(node).filter(({ name }) => !NOT_OPERANDS.has(name));
    const [left, right] = [labelsOf(operands[0]!), labelsOf(operands.at(-1)!)];
    if (left === undefined || right === undefined) return left ?? right;
    const matching = node.getChild('MatchingModifierClause');
    const named = namesIn(matching, of);
    for (const side of [left, right]) known(named, side, node);
    if (node.getChild('Or') !== null) return new Set([...left, ...right]);
    if (node.getChild('And') === null && node.getChild('Unless') === null && named.length === 0) {
      // One-to-one matching: the sides match only if all their labels are the same.
      const [a, b] = [[...left].toSorted().join(), [...right].toSorted().join()];
      if (a !== b)
        faults.push(`the sides have other labels (${a} and ${b}), so they never meet: ${of(node)}`);
    }
    const taken = namesIn(matching, of, 1);
    known(taken, right, node);
    return new Set([...left, ...taken]);
  };

  const labelsOf = (node: Node): Labels | undefined => {
    switch (node.name) {
      case 'VectorSelector':
        return selector(node);
      case 'AggregateExpr':
        return aggregate(node);
      case 'FunctionCall':
        return call(node);
      case 'BinaryExpr':
        return binary(node);
      case 'NumberDurationLiteral':
      case 'StringLiteral':
        return undefined;
      default:
        // Wrappers of one expression: parentheses, a range, an offset, a sign.
        return children(node)
          .map(labelsOf)
          .find((labels) => labels !== undefined);
    }
  };

  const tree = parser.parse(text);
  tree.iterate({
    enter: ({ type, from }) => {
      if (type.isError) faults.push(`no PromQL at column ${from + 1}: ${text}`);
    },
  });
  // A tree with errors lacks parts that the rest relies on.
  if (faults.length > 0) return { faults, metrics, labels: new Set() };
  const labels = labelsOf(tree.topNode) ?? new Set();
  return { faults, metrics, labels };
}

const NOT_OPERANDS = new Set(['MatchingModifierClause', 'BoolModifier']);

function children(node: Node | null): Node[] {
  const found: Node[] = [];
  for (let child = node?.firstChild ?? null; child !== null; child = child.nextSibling) found.push(child);
  return found;
}

/** The labels in `by (…)` and `on (…)`; with `list` 1, those that `group_left (…)` takes from the right side. */
function namesIn(modifier: Node | null, of: (node: Node) => string, list = 0): string[] {
  const lists = modifier?.getChildren('GroupingLabels') ?? [];
  return (lists[list]?.getChildren('LabelName') ?? []).map(of);
}

/** The function that this selector is an argument of, looking through its range and offset. */
function callAround(selector: Node, of: (node: Node) => string): string {
  let node = selector.parent;
  while (node !== null && node.name !== 'FunctionCall' && node.name !== 'AggregateExpr') node = node.parent;
  const name = node?.getChild('FunctionIdentifier') ?? null;
  return name === null ? '' : of(name);
}

/** True if the counter is read only for processes that have just started, where it is all that they counted. */
function isJustStarted({ parent }: Node, of: (node: Node) => string): boolean {
  return (
    parent?.name === 'BinaryExpr' &&
    parent.getChild('And') !== null &&
    / time\(\) - process_start_time_seconds < \d+$/.test(of(parent))
  );
}

function definitions(): ReadonlyMap<string, MetricDefinition> {
  return new Map(
    Object.values<MetricDefinition>(ALL_METRICS).map((definition) => [definition.name, definition]),
  );
}

function seriesOf(
  metric: string,
  type: string,
  labels: readonly string[] = [],
): [string, Series & { metric: string }][] {
  if (type !== 'histogram') return [[metric, { metric, labels, counter: type === 'counter' }]];
  return [
    [`${metric}_bucket`, { metric, labels: [...labels, 'le'], counter: true }],
    [`${metric}_sum`, { metric, labels, counter: true }],
    [`${metric}_count`, { metric, labels, counter: true }],
  ];
}
