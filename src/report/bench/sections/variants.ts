import { table } from '../../figure.ts';
import { html } from '../../html.ts';
import type { Section } from '../../sections/section.ts';
import { columnsFor, sharedBy } from '../columns.ts';
import type { BenchStory } from '../story.ts';
import { callOf } from '../story.ts';

const roleWords = { baseline: 'baseline', again: 'measured again', reference: 'reference', variant: '' };

export async function variantsSection({ record, groups }: BenchStory): Promise<Section> {
  const columns = columnsFor(groups);
  const isToCopy = groups.every((group) => group.isToCopy);
  const has = (title: string) => columns.some((column) => column.title === title);
  const tables = table(
    'All variants',
    [{ title: 'Variant' }, { title: 'Role' }, ...columns],
    groups.map(({ name, entries }) => ({
      heading: [name, sharedBy(entries)].filter(Boolean).join(': '),
      rows: entries.map((entry) => [entry.variant, roleWords[entry.role], ...columns.map(({ of }) => of(entry))]),
    })),
    groups.reduce((sum, { entries }) => sum + entries.length, 0) > 60,
  );
  const body = html`<p>One call is ${callOf(record)}. The ratio is to ${isToCopy ? html`<code>copy</code>, which copies as many numbers as the gradient has` : 'the baseline of its group'}: not the quotient of two columns, but the typical one of ratios within a process, where both met the same disturbances.${has('Verdict') && ' A variant is called slower or faster where its whole interval lies beyond the noise of its group; an interval that leaves out 1 is not enough.'}${has('Of copying') && " Of copying: the share of this machine's copying speed that clipping reaches, in per cent."}${has('Allocated, MB') && ' Allocated: what operations ask for, freed in between or not; peak: most resident memory of a process that did nothing else.'}</p>
${tables}<p>Rows called reference are fixed work that has nothing to do with clipbench: <code>copy</code> moves memory, <code>arithmetic</code> calculates. Columns that nothing was measured for are left out.</p>`;
  return { id: 'variants', title: 'All variants', body };
}
