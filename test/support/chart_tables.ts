/** Made-up tables for every chart, with as many strategies as asked for, and what the charts make of them. */
import type { TopLevelSpec } from 'vega-lite';
import { clipRates } from '../../src/report/charts/clip-rates.ts';
import { cost } from '../../src/report/charts/cost.ts';
import { curves } from '../../src/report/charts/curves.ts';
import { divergence } from '../../src/report/charts/divergence.ts';
import { effects } from '../../src/report/charts/effects.ts';
import { heatmap } from '../../src/report/charts/heatmap.ts';
import { intervals } from '../../src/report/charts/intervals.ts';
import { normSpread } from '../../src/report/charts/norm-spread.ts';
import { rates } from '../../src/report/charts/rates.ts';
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
