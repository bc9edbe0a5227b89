/** Made-up tables for every chart, with as many strategies as asked for, and what the charts make of them. */
import type { TopLevelSpec } from 'vega-lite';
import { clipRates } from '../../src/report/charts/clip-rates.ts';
import { cost } from '../../src/report/charts/cost.ts';
import { curves } from '../../src/report/charts/curves.ts';
import { divergence } from '../../src/report/charts/divergence.ts';
import { effects } from '../../src/report/charts/effects.ts';
import { copyStroke, growths } from '../../src/report/charts/growths.ts';
import { heatmap } from '../../src/report/charts/heatmap.ts';
import { intervals } from '../../src/report/charts/intervals.ts';
import { normSpread } from '../../src/report/charts/norm-spread.ts';
import { rates } from '../../src/report/charts/rates.ts';
import { type Kind, ratios } from '../../src/report/charts/ratios.ts';
import { strips } from '../../src/report/charts/strips.ts';
import type { Curve } from '../../src/report/curve.ts';
import { chunks } from '../../src/report/lines.ts';
import { HUES, SHADES, strategyStroke, thresholdStroke } from '../../src/report/palette.ts';

const nameOf = (i: number) =>
  ['global_norm', 'value', 'agc', 'u_clip-global_norm', 'zclip'][i % 5] + (i < 5 ? '' : `_${i}`);
const thresholds = ['0.001', '0.01', '0.1', '1', '10'];
const lineOf = (i: number, k: number) => ({
  label: thresholds[k] ?? '',
  stroke: thresholdStroke(i, k, SHADES),
});

function curve(i: number, k: number): Curve {
  const points = Array.from({ length: 12 }, (_, t) => {
    const mid = 0.3 + (2 + 0.1 * (i % 4)) / (1 + t * (0.2 + 0.2 * k));
    return { step: 10 * t, mid, low: 0.85 * mid, high: 1.1 * mid, values: [0.85 * mid, mid, 1.1 * mid] };
  });
  const drops = k === 4 ? [{ step: 60, mid: points[6]?.mid ?? 1 }] : [];
  return { points: k === 4 ? points.slice(0, 9) : points, drops, left: k === 4 ? 3 : 6, seeds: 6 };
}

const settings = ['rnn · learning rate 0.01', 'rnn · learning rate 0.2', 'mlp · learning rate 0.2'];

/** By name; the same bytes on every call. */
export function chartsWith(strategies: number): Record<string, TopLevelSpec> {
  const all = Array.from({ length: strategies }, (_, i) => i);
  const panels = all.map((i) => ({ title: nameOf(i), subtitle: 'max norm' }));
  const five = thresholds.map((_, k) => k);
  return {
    curves: curves({
      panels: panels.map((panel, i) => ({
        ...panel,
        lines: five.map((k) => ({ ...lineOf(i, k), curve: curve(i, k) })),
      })),
      columns: 3,
      steps: 110,
      y: { title: 'training loss', domain: [0.2, 2.6], log: true, format: '~g' },
    }),
    intervals: intervals({
      panels: ['rnn', 'mlp'].map((title, r) => ({
        title,
        unit: 'steps a second',
        rows: all.map((i) => {
          const estimate = 900 - 150 * (i % 5) + 300 * r;
          return { name: nameOf(i), stroke: strategyStroke(i), estimate, low: 0.9 * estimate, high: 1.15 * estimate };
        }),
      })),
      bars: true,
      domain: [0, 1500],
    }),
    improvement: intervals({
      panels: [
        {
          title: '',
          unit: 'probability',
          rows: all.map((i) => {
            const estimate = 0.3 + 0.08 * (i % 7);
            return {
              name: nameOf(i),
              stroke: strategyStroke(i),
              estimate,
              low: estimate - 0.12,
              high: estimate + 0.15,
            };
          }),
        },
      ],
      bars: false,
      domain: [0, 1],
      rule: 0.5,
    }),
    cost: cost({
      points: all.map((i) => {
        const quality = 0.4 + 0.1 * (i % 5) + 0.01 * i;
        return {
          name: nameOf(i),
          stroke: strategyStroke(i),
          cost: 0.9 + 0.03 * ((i * 7) % 11),
          quality,
          low: quality - 0.06,
          high: quality + 0.05,
        };
      }),
      x: { title: 'time of a step, as a multiple of the mean', domain: [0.85, 1.35] },
      y: { title: 'interquartile mean score', domain: [0, 1.2] },
    }),
    'cost-both': cost({
      points: all.map((i) => {
        const [ratio, quality] = [1 + 0.04 * ((i * 7) % 23), 0.9 - 0.02 * ((i * 5) % 9)];
        return {
          name: nameOf(i),
          stroke: strategyStroke(i),
          cost: ratio,
          least: 0.98 * ratio,
          most: 1.03 * ratio,
          quality,
          low: quality - 0.015,
          high: quality + 0.01,
        };
      }),
      x: { title: "time as a multiple of the baseline's", domain: [0.9, 2.3] },
      y: { title: 'final validation accuracy', domain: [0.65, 0.95] },
    }),
    ratios: ratios({
      panels: ['mnist · mlp', 'row_mnist · rnn'].map((title, p) => ({
        title,
        noise: 1.06,
        rows: [
          { name: 'none', kind: 'base' as const, estimate: 1, low: 1, high: 1, label: '1' },
          { name: 'none again', kind: 'again' as const, estimate: 1.004, low: 0.98, high: 1.03, label: '1.004' },
          ...all.map((i) => {
            const estimate = 0.9 + 0.035 * i + 0.02 * p;
            const kind: Kind = estimate > 1.1 ? 'slower' : estimate < 0.91 ? 'faster' : 'not told apart';
            const [low, high] = [0.96 * estimate, 1.05 * estimate];
            return { name: nameOf(i), kind, estimate, low, high, label: estimate.toFixed(2) };
          }),
        ],
      })),
      unit: "time as a multiple of the baseline's",
    }),
    'ratios-log': ratios({
      panels: [
        {
          title: '1000 entries in 4 tensors',
          noise: undefined,
          rows: [
            { name: 'copy', kind: 'base', estimate: 1, low: 1, high: 1, label: '1' },
            ...all.map((i) => {
              const estimate = 40 * 1.1 ** i;
              const [low, high] = [0.8 * estimate, 1.2 * estimate];
              return { name: nameOf(i), kind: 'variant' as const, estimate, low, high, label: estimate.toFixed(0) };
            }),
            { name: 'value again', kind: 'again', estimate: 44, low: 39, high: 52, label: '44' },
          ],
        },
      ],
      unit: 'time as a multiple of copying the gradient',
    }),
    growths: growths({
      panels: chunks(all, HUES).map((own) => ({
        title: 'native · compiled · 8 tensors',
        lines: [
          ...own.map((i, k) => ({
            label: nameOf(i),
            stroke: strategyStroke(k),
            points: [3, 4, 5, 6, 7, 8].map((decade) => {
              const ms = 0.004 * (1 + 0.3 * k) + 10 ** (decade - 6) * (0.5 + 0.1 * i);
              return { size: 10 ** decade, ms, low: 0.9 * ms, high: 1.2 * ms };
            }),
          })),
          {
            label: 'copy',
            stroke: copyStroke,
            points: [3, 4, 5, 6, 7, 8].map((decade) => {
              const ms = 0.1 * 10 ** (decade - 6);
              return { size: 10 ** decade, ms, low: ms, high: ms };
            }),
          },
        ],
      })),
      over: 'entries',
    }),
    strips: strips({
      panels: ['mnist · mlp', 'row_mnist · rnn'].map((title, p) => ({
        title,
        rows: ['none', 'none again', ...all.map(nameOf), 'copy', 'arithmetic'].map((name, i) => ({
          name,
          values: [0, 1, 2, 3, 4, 5].map((k) => 1 + 0.01 * (((i + 2) * (k + 3)) % 7) - 0.03 + (k === p ? 0.04 : 0)),
        })),
      })),
    }),
    'norm-spread': normSpread({
      panels: ['rnn', 'mlp'].map((title, r) => ({
        title,
        rows: all.map((i) => {
          const middle = 0.5 * (1 + (i % 6)) * (1 + r);
          const spread = (by: number) => [0.2, 0.6, 1, 1.8, 6].map((factor) => middle * factor * by);
          return {
            name: `${nameOf(i)} 1`,
            stroke: strategyStroke(i),
            before: spread(1),
            after: spread(0.3 + 0.1 * (i % 4)),
          };
        }),
      })),
    }),
    survival: curves({
      panels: panels.map((panel, i) => ({
        ...panel,
        lines: [0, 2, 4].map((k) => ({
          ...lineOf(i, k),
          curve: {
            points: [0, 20, 35, 60, 110].map((step, t) => {
              const mid = 1 - Math.min(4, t) * 0.05 * (k + 1);
              return { step, mid, low: Math.max(0, mid - 0.2), high: Math.min(1, mid + 0.1), values: [] };
            }),
            drops: [],
            left: 6,
            seeds: 6,
          },
        })),
      })),
      columns: 3,
      steps: 110,
      stepped: true,
      y: { title: 'share still running', domain: [0, 1.02], log: false, format: '.0%' },
    }),
    budgets: curves({
      panels: chunks(all, HUES).map((own) => ({
        title: 'rnn',
        subtitle: '',
        lines: own.map((i, k) => ({
          label: `${nameOf(i)} tuned`,
          stroke: strategyStroke(k),
          curve: {
            points: Array.from({ length: 12 }, (_, t) => {
              const mid = 0.9 - (0.5 + 0.04 * (i % 5)) / (1 + t);
              const [low, high] = t < 4 ? [mid - 0.1, mid + 0.08] : [mid, mid];
              return { step: t + 1, mid, low, high, values: [] };
            }),
            drops: [],
            left: 1,
            seeds: 1,
          },
        })),
      })),
      columns: 2,
      steps: 12,
      x: { title: 'trials', format: '~s' },
      y: { title: 'final validation accuracy', domain: [0.1, 1], log: false, format: '~g' },
    }),
    heatmap: heatmap({
      rows: settings,
      panels: panels.map((panel, i) => ({
        ...panel,
        columns: ['none', ...thresholds],
        cells: settings.flatMap((row, r) =>
          ['none', ...thresholds].map((column, c) => {
            const share = (((i + 1) * (r + 2) * (c + 3)) % 11) / 10;
            const diverged = c === 5 ? 6 : c === 0 && r === 1 ? 2 : 0;
            return diverged === 6
              ? { row, column, share: undefined, value: '', diverged, runs: 6 }
              : { row, column, share, value: (0.1 + 0.8 * share).toFixed(2), diverged, runs: 6 };
          }),
        ),
      })),
    }),
    effects: effects({
      panels: settings.slice(0, 2).map((title, p) => ({
        title,
        unit: 'validation accuracy, higher by',
        effects: all.map((i) => {
          const differences = [0.1, 0.14, 0.02, 0.2, -0.05, p === 1 && i % 3 === 0 ? Infinity : 0.08].map(
            (d) => d * (1 + (i % 7)),
          );
          return {
            name: `${nameOf(i)} 0.1`,
            stroke: strategyStroke(i),
            differences,
            seeds: differences.map((_, seed) => seed),
            estimate: 0.09 * (1 + (i % 7)),
            low: -0.01,
            high: 0.2,
          };
        }),
      })),
    }),
    divergence: divergence({
      panels: settings.slice(0, 2).map((title) => ({
        title,
        bars: all.map((i) => ({
          name: `${nameOf(i)} 0.1`,
          stroke: strategyStroke(i),
          diverged: i % 7,
          runs: 6,
          low: (i % 7) / 10,
          high: 0.3 + (i % 7) / 10,
        })),
      })),
    }),
    'clip-rates': clipRates({
      panels: chunks(all, HUES).flatMap((own) =>
        settings.slice(0, 2).map((title) => ({
          title,
          reference: { label: 'none', value: 0.4 },
          lines: own.map((i) => ({
            label: nameOf(i),
            stroke: strategyStroke(i),
            points: five.map((k) => {
              const mid = 0.9 - 0.08 * Math.abs(k - (i % 5));
              return { rate: 1 - 0.22 * k - 0.01 * i, mid, low: mid - 0.05, high: mid + 0.03 };
            }),
          })),
        })),
      ),
      columns: 2,
      y: { title: 'validation accuracy', domain: [0.3, 1], log: false, format: '~g' },
    }),
    rates: rates({
      panels: panels.map((panel, i) => ({
        ...panel,
        lines: five.map((k) => ({
          ...lineOf(i, k),
          points: [0.001, 0.01, 0.1, 1, 10].map((rate, r) => {
            const mid = r === 4 && k > 2 ? -Infinity : 0.9 - 0.1 * Math.abs(r - k) - 0.01 * (i % 5);
            return { rate, mid, low: mid - 0.03, high: mid + 0.02, diverged: r === 4 && k > 2 ? 4 : 0, seeds: 6 };
          }),
        })),
      })),
      columns: 3,
      y: { title: 'validation accuracy', domain: [0.3, 1], log: false, format: '~g' },
    }),
  };
}
