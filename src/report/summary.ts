/** What the report says, as data: the same numbers as on the page, unrounded. */
import { baselineName, type Manifest } from '../manifest.ts';
import { quantile } from '../stats/quantile.ts';
import { answer } from './answer.ts';
import { type Comparison, type Declared, LEVEL, MIN_SEEDS } from './comparison.ts';
import type { Config, Setting } from './design.ts';
import { parseHtml, plainText } from './html-tree.ts';
import { UNCLIPPED } from './lines.ts';
import { overview } from './overview.ts';
import { number, required, text } from './row.ts';
import type { Results } from './story.ts';
import { jsonNumber, type Report } from './summary-schema.ts';
import { tally } from './tally.ts';

/** A smoke test's figures mean nothing, so they are left out here as on the page. */
export function summarise(results: Results): Report {
  const { manifest, smoke, compares, declared, design } = results;
  const { cells, ...outcome } = tally(results);
  return {
    format: 1,
    question: manifest.question,
    overview: overview(results),
    answer: sentences(results),
    smoke,
    finished: manifest.finished !== undefined,
    runs: { planned: cells, ...outcome },
    ...(compares && declared !== undefined && { comparison: comparisonOf(declared, manifest) }),
    configurations: compares
      ? design.settings.flatMap((setting) => setting.configs.map((config) => configurationOf(setting, config)))
      : [],
    manifest: essentials(manifest),
  };
}

/** The short answer without markup. */
export const sentences = (results: Results): string[] => answer(results).map(({ html }) => plainText(parseHtml(html)));

function comparisonOf({ compare, comparisons, family, notes }: Declared, { compare_changed }: Manifest) {
  return {
    baseline: baselineName(compare),
    metric: compare.metric,
    at: compare.at,
    ...(compare.margin !== undefined && { margin: compare.margin }),
    level: LEVEL,
    declared_before_running: compare_changed === undefined,
    family,
    notes,
    comparisons: comparisons.map(comparedOf),
  };
}

/** What the page shows as a dash isn't there. */
function comparedOf(comparison: Comparison) {
  const { title, setting, baseline, declared, expected, pairs, shift, verdict } = comparison;
  return {
    configuration: title,
    setting: setting.label,
    baseline: baseline.name,
    declared,
    ...(expected && { expected }),
    n: pairs,
    ...(pairs > 0 && { effect: jsonNumber(shift.estimate) }),
    ...(pairs >= MIN_SEEDS && {
      interval: { low: jsonNumber(shift.low), high: jsonNumber(shift.high), confidence: shift.confidence },
    }),
    ...(declared && { p: comparison.p, holm: comparison.holm ?? 1 }),
    ...(declared && comparison.equivalence !== undefined && { equivalence: comparison.equivalence }),
    diverged: comparison.divergedMember,
    baseline_diverged: comparison.divergedBaseline,
    ...(declared && { mcnemar: comparison.mcnemar }),
    verdict,
  };
}

const columns = ['final', 'best'].flatMap((when) =>
  ['train', 'val', 'test'].flatMap((split) => ['loss', 'metric'].map((kind) => `${when}_${split}_${kind}`)),
);

function configurationOf(setting: Setting, { name, strategy, threshold, runs }: Config) {
  const results = columns.flatMap((column) => {
    const values = runs.flatMap(({ row }) => number(row, column) ?? []).filter((value) => !Number.isNaN(value));
    if (values.length === 0) return [];
    const [lower_quartile, median, upper_quartile] = [0.25, 0.5, 0.75].map((q) => jsonNumber(quantile(values, q)));
    if (lower_quartile === undefined || median === undefined || upper_quartile === undefined) return [];
    return [[column, { n: values.length, median, lower_quartile, upper_quartile }] as const];
  });
  const diverged = runs.filter(({ divergedAt }) => divergedAt !== undefined).length;
  const labelled = (label: string) => runs.filter(({ row }) => text(row, 'label') === label).length / runs.length;
  return {
    setting: setting.label,
    configuration: name,
    strategy,
    learning_rate: required(runs[0]?.row ?? setting.row, 'learning_rate'),
    ...(threshold !== undefined && { threshold: jsonNumber(threshold) }),
    seeds: runs.map(({ seed }) => seed),
    completed: runs.length - diverged,
    diverged,
    results: Object.fromEntries(results),
    ...(strategy !== UNCLIPPED && {
      clipping: { never: labelled('never'), safety_net: labelled('safety_net'), binding: labelled('binding') },
    }),
  };
}

const essentials = (manifest: Manifest): Report['manifest'] => ({
  experiment: manifest.experiment.file,
  experiment_sha256: manifest.experiment.sha256,
  ...(manifest.compare_sha256 !== undefined && { compare_sha256: manifest.compare_sha256 }),
  set: manifest.experiment.set,
  fingerprint_id: manifest.fingerprint_id,
  fingerprint: manifest.fingerprint,
  source: manifest.code.source,
  ...(manifest.code.commit !== undefined && { commit: manifest.code.commit }),
  computed_by: manifest.computed_by,
  versions: manifest.versions,
  started: manifest.started,
  ...(manifest.finished !== undefined && { finished: manifest.finished }),
});
