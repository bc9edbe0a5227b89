import { strips } from '../../charts/strips.ts';
import { table } from '../../figure.ts';
import { count, significant, whole } from '../../format.ts';
import { type Html, html } from '../../html.ts';
import type { Draw, Section } from '../../sections/section.ts';
import { believable, expected, restsOn, surroundings } from '../calibration.ts';
import { spreadOf } from '../spread.ts';
import type { BenchStory } from '../story.ts';
import { beyondOne, estimated, range } from '../words.ts';

export async function beliefSection(story: BenchStory, draw: Draw): Promise<Section> {
  const { record, groups, told, samples } = story;
  const panels = told.map((group) => ({
    title: groups.length === 1 ? '' : group.name,
    rows: spreadOf(group, samples),
  }));
  const drawn = panels.filter(({ rows }) => rows.length > 0);
  const figure =
    drawn.length > 0 &&
    (await draw({
      title: 'Processes apart',
      reading: `A dot is the median of a variant's samples in one process, against the typical process.${told.length < groups.length ? ` Drawn for ${count(told.length, 'group')} of ${whole(groups.length)}.` : ''} One process to the right throughout was slow by itself: ratios within it don't suffer. Dots that lie wide apart make a wide interval.`,
      plots: [
        {
          spec: strips({ panels: drawn }),
          description: drawn
            .flatMap(({ title, rows }) =>
              rows.map(
                ({ name, values }) =>
                  `${[title, name].filter(Boolean).join(', ')}: ${values.map((value) => value.toFixed(4)).join(', ')}.`,
              ),
            )
            .join(' '),
        },
      ],
    }));
  const body = html`<p>${believable(groups, record)} ${restsOn(record)}</p>
${calibrations(story)}${figure}
<h3>How it was measured</h3><p>A sample is several calls timed together; ${count(samples.length, 'sample')} in all, by tinybench, after warming up. Variants of a group took turns in the same processes, in an order drawn from the seed, there and back, so that what drifts meets all alike. A process is the unit: its samples share what differs between processes, so they are no independent evidence. Typical values are Hodges–Lehmann estimates over processes, on logarithms, with exact intervals.</p>
<h3>Machine</h3>${pairs({ ...record.machine, pinned: record.machine.pinned ? 'yes' : 'no' })}
<h3>What else went on</h3><p>${surroundings(record)} Free memory ${significant(record.disturbance.free_memory_gb)} GB.</p>${notes(record.notes)}
${record.command !== '' && html`<h3>Command</h3><pre><code>${record.command}</code></pre>`}
<h3>Versions</h3>${pairs({ clipbench: record.clipbench, ...record.versions })}
<h3>When</h3><p>${record.started} to ${record.finished} (UTC), seed ${String(record.seed)}, ${count(record.processes, 'process', 'processes')}.</p>
<h3>Files</h3><p>This page was made from them alone, after comparing their hashes. <code>${record.file}</code>, which says what is measured: sha256 <code>${record.sha256}</code>.</p>${pairs(
    Object.fromEntries(
      Object.entries(record.files).map(([file, { bytes, sha256 }]) => [
        file,
        `${whole(bytes)} bytes, sha256 ${sha256}`,
      ]),
    ),
  )}`;
  return { id: 'belief', title: 'How far to believe it', body };
}

function calibrations({ record }: BenchStory): Html {
  const columns = [
    'Group',
    'Measured twice',
    'Ratio',
    'Interval',
    'Against themselves',
    'Came out different',
    'By chance',
    'Noise',
  ];
  const rows = record.calibrations.map(({ group, again, itself }) => [
    group,
    again.variant,
    estimated(again),
    range(again),
    whole(itself.pairs),
    whole(itself.flagged),
    significant(expected(itself.pairs, record), 2),
    beyondOne(itself.noise),
  ]);
  if (rows.length === 0) return html``;
  const words = ['Group', 'Measured twice', 'Interval'];
  return html`${table(
    'The same thing measured twice',
    columns.map((title) => ({ title, numeric: !words.includes(title) })),
    [{ heading: '', rows }],
  )}<p>Against themselves: half of a variant's turns against the other half. By chance: so many of them would come out as different where intervals hold exactly what they promise. Noise: 95 % of these ratios of nothing differ from 1 by less.</p>`;
}

const notes = (all: readonly string[]): Html | false =>
  all.length > 0 && html`<ul>${all.map((note) => html`<li>${note}</li>`)}</ul>`;

const pairs = (record: Readonly<Record<string, string | number>>): Html =>
  html`<dl class="pairs">${Object.entries(record).map(([key, value]) => html`<dt>${key.replaceAll('_', ' ')}</dt><dd><code>${String(value)}</code></dd>`)}</dl>`;
