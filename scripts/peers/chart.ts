/** Median time of a step of every system, a panel for each work, on a logarithmic scale. */
import type { TopLevelSpec } from 'vega-lite';
import type { Row } from './comparison.ts';
import { systems } from './table.ts';

export function chart(rows: Row[]): TopLevelSpec {
  const values = rows.map(({ profile, system, ...row }) => ({
    ...row,
    system: profile === '' || system === 'tfjs-eager' ? system : `${system} (${profile})`,
    own: system.startsWith('clipbench'),
  }));
  const order = systems.flatMap((system) => [system, `${system} (fast)`, `${system} (repro)`]);
  const present = order.filter((name) => values.some(({ system }) => system === name));
  const y = {
    field: 'system',
    type: 'nominal' as const,
    sort: present,
    axis: { title: null, domain: false, ticks: false, grid: true },
  };
  const x = { type: 'quantitative' as const, scale: { type: 'log' as const, zero: false, nice: false } };
  const color = {
    field: 'own',
    type: 'nominal' as const,
    scale: { domain: [true, false], range: ['#0b62c4', '#6b6b6b'] },
    legend: null,
  };
  return {
    data: { values },
    columns: 2,
    facet: { field: 'work', type: 'nominal', sort: [...new Set(rows.map(({ work }) => work))], title: null },
    resolve: { scale: { x: 'independent', y: 'independent' } },
    spec: {
      width: 300,
      height: { step: 16 },
      layer: [
        {
          mark: { type: 'rule', strokeWidth: 2 },
          encoding: { y, x: { ...x, field: 'lo_ms', title: 'ms per step' }, x2: { field: 'hi_ms' }, color },
        },
        { mark: { type: 'point', filled: true, size: 50 }, encoding: { y, x: { ...x, field: 'median_ms' }, color } },
      ],
    },
    config: { background: 'white', view: { stroke: null }, axis: { labelLimit: 220 } },
  };
}
