/** The page's script: what is on it comes to life, and does what the reader asks of it. Without it the page can be read all the same. */
import { choice } from './element.ts';
import { measureAsMade, type Plot, plot } from './plot.ts';
import { fromHash, initial, type State, toHash } from './state.ts';
import { knowStrategies, liveTable } from './tables.ts';
import { toolbar } from './toolbar.ts';
import { tooltip } from './tooltip.ts';

function begin(): void {
  const written = document.getElementById('choices')?.textContent;
  if (!written) return;
  const { strategies, seeds }: { strategies: string[]; seeds: string[] } = JSON.parse(written);
  measureAsMade();
  knowStrategies(strategies);
  let state: State = fromHash(location.hash);
  const tip = tooltip();
  const plots = new Map<HTMLElement, Plot>();
  for (const box of document.querySelectorAll<HTMLElement>('.plot')) {
    const found = plot(box, tip);
    if (found !== undefined) plots.set(box, found);
  }
  const set = (change: Partial<State>) => {
    state = { ...state, ...change };
    history.replaceState(null, '', toHash(state) || location.pathname + location.search);
    show();
  };
  const tables = [...document.querySelectorAll<HTMLTableElement>('main table')].map((table, i) => {
    const number = String(i + 1);
    return liveTable(table, number, ({ sort, filter }) =>
      set({
        ...(sort && { sorts: { ...state.sorts, [number]: sort } }),
        ...(filter !== undefined && { filters: { ...state.filters, [number]: filter } }),
      }),
    );
  });
  const metrics = [...document.querySelectorAll<HTMLElement>('figure')].flatMap((figure) => {
    const parts = [...figure.querySelectorAll<HTMLElement>(':scope > .metric')];
    if (parts.length < 2) return [];
    const number = figure.id.replace('figure-', '');
    const options = parts.map((part, i) => ({ value: String(i), text: part.dataset.name ?? '' }));
    const { box, select } = choice('Metric', options, (value) =>
      set({ metrics: { ...state.metrics, [number]: Number(value) } }),
    );
    figure.querySelector('figcaption')?.after(box);
    return [
      () => {
        const index = state.metrics[number] ?? 0;
        select.value = String(index);
        parts.forEach((part, i) => {
          part.hidden = i !== (index < parts.length ? index : 0);
        });
      },
    ];
  });
  const hasOther = [...plots.keys()].some((box) => box.querySelectorAll('script[data-scale]').length > 1);
  const bar = toolbar({ strategies, seeds, scales: hasOther }, set, () => set({ ...initial, section: state.section }));
  if (plots.size > 0) document.querySelector('main')?.before(bar.box);

  function show(): void {
    bar.show(state);
    for (const one of plots.values()) one.show(state);
    for (const table of tables) table.show(state);
    for (const metric of metrics) metric();
  }
  const coming = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting || !(target instanceof HTMLElement)) continue;
        coming.unobserve(target);
        void plots.get(target)?.wake();
      }
    },
    { rootMargin: '300px' },
  );
  // Only what is in the page's flow comes into view: a metric that isn't shown does when it is.
  for (const box of plots.keys()) coming.observe(box);
  for (const link of document.querySelectorAll<HTMLAnchorElement>('a[href^="#"]')) {
    link.addEventListener('click', (event) => {
      event.preventDefault();
      set({ section: link.hash.slice(1) });
      const target = document.getElementById(state.section);
      target?.scrollIntoView();
      target?.focus();
    });
  }
  addEventListener('hashchange', () => {
    state = fromHash(location.hash);
    show();
  });
  show();
  if (state.section !== '') document.getElementById(state.section)?.scrollIntoView();
}

begin();
