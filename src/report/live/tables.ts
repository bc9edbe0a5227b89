/** Tables that the reader can sort by any column, and, where they are long, search. */
import { button, element } from './element.ts';
import { compareCells } from './order.ts';
import type { Sort, State } from './state.ts';

/** Rows from which on a table can be searched. */
const LONG = 12;

export interface LiveTable {
  show(state: State): void;
}

/** @param number of the table on the page, as it stands in the address */
export function liveTable(
  table: HTMLTableElement,
  number: string,
  set: (change: { sort?: Sort; filter?: string }) => void,
): LiveTable {
  const heads = [...table.querySelectorAll<HTMLElement>('thead th')];
  const groups = [...table.tBodies].map((body) => ({ body, rows: rowsOf(body) }));
  const count = groups.reduce((sum, { rows }) => sum + rows.length, 0);
  let sort: Sort | undefined;
  heads.forEach((head, column) => {
    const label = head.textContent ?? '';
    head.replaceChildren(
      button(label, () => set({ sort: { column, descending: sort?.column === column && !sort.descending } }), {
        title: `sort by ${label}`,
      }),
    );
  });
  const search = element('input', { type: 'search', placeholder: 'only rows with ...' });
  const found = element('span', { role: 'status' });
  search.addEventListener('input', () => set({ filter: search.value }));
  if (count >= LONG) {
    const label = element('label', { class: 'choice' }, 'Rows ', search);
    const box = element('div', { class: 'search' }, label, ' ', found);
    (table.closest('.scroll') ?? table).before(box);
  }
  return {
    show(state) {
      sort = state.sorts[number];
      const filter = state.filters[number] ?? '';
      if (search.value !== filter) search.value = filter;
      heads.forEach((head, column) => {
        if (sort?.column === column) head.setAttribute('aria-sort', sort.descending ? 'descending' : 'ascending');
        else head.removeAttribute('aria-sort');
      });
      let left = 0;
      for (const { body, rows } of groups) {
        const ordered = sort === undefined ? rows : sorted(rows, sort);
        body.append(...ordered.map(({ row }) => row));
        for (const { row, texts, strategy } of rows) {
          const isFound = texts.some((text) => text.toLowerCase().includes(filter.toLowerCase()));
          row.hidden = !isFound || state.hidden.some((name) => isOf(strategy, name));
          row.classList.toggle('faded', state.highlight !== '' && strategy !== '' && !isOf(strategy, state.highlight));
          if (!row.hidden) left += 1;
        }
      }
      found.textContent = left < count ? `${left} of ${count}` : '';
    },
  };
}

interface TableRow {
  row: HTMLTableRowElement;
  texts: string[];
  /** Text of the cell that names a configuration; '' where none does. */
  strategy: string;
}

/** Without the headings of groups. */
const rowsOf = (body: HTMLTableSectionElement): TableRow[] =>
  [...body.rows]
    .filter((row) => !row.classList.contains('group'))
    .map((row) => {
      const texts = [...row.cells].map((cell) => cell.textContent?.trim() ?? '');
      return { row, texts, strategy: texts.find((text) => names.some((name) => isOf(text, name))) ?? '' };
    });

/** The strategies of the page; set once. */
let names: readonly string[] = [];
export const knowStrategies = (all: readonly string[]): void => {
  names = all;
};

const isOf = (configuration: string, strategy: string): boolean =>
  configuration === strategy || configuration.startsWith(`${strategy} `);

const sorted = (rows: readonly TableRow[], { column, descending }: Sort): TableRow[] =>
  [...rows].sort((a, b) => compareCells(a.texts[column] ?? '', b.texts[column] ?? '', descending));
