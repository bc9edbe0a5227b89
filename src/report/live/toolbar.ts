/** What the reader can choose for the whole page. Only what has something to act on. */
import { button, choice, element } from './element.ts';
import type { State } from './state.ts';

export interface Toolbar {
  box: HTMLElement;
  show(state: State): void;
}

export interface Choices {
  strategies: readonly string[];
  seeds: readonly string[];
  /** Whether some axis can be drawn the other way. */
  scales: boolean;
}

export function toolbar(
  { strategies, seeds, scales }: Choices,
  set: (change: Partial<State>) => void,
  reset: () => void,
): Toolbar {
  const every = (text: string, values: readonly string[]) => [
    { value: '', text },
    ...values.map((value) => ({ value, text: value })),
  ];
  const highlight = choice('Highlight', every('no strategy', strategies), (value) => set({ highlight: value }));
  const boxes = strategies.map((name) => {
    const box = element('input', { type: 'checkbox' });
    box.checked = true;
    box.addEventListener('change', () =>
      set({ hidden: boxes.filter((own) => !own.box.checked).map((own) => own.name) }),
    );
    return { name, box };
  });
  const summary = element('summary', {}, 'Strategies');
  const shown = element(
    'details',
    { class: 'menu' },
    summary,
    element('div', {}, ...boxes.map(({ name, box }) => element('label', {}, box, ` ${name}`))),
  );
  const seed = choice('Curves of', every('all seeds', seeds), (value) => set({ seed: value }));
  for (const option of seed.select.options) if (option.value !== '') option.textContent = `seed ${option.value}`;
  const scale = choice(
    'Vertical axes',
    [
      { value: '', text: 'as made' },
      { value: 'linear', text: 'linear' },
      { value: 'log', text: 'logarithmic' },
    ],
    (value) => set({ scale: value === 'linear' || value === 'log' ? value : '' }),
  );
  const box = element('div', { class: 'bar', role: 'group', 'aria-label': 'What the figures show' });
  if (strategies.length > 1) box.append(highlight.box, shown);
  if (seeds.length > 1) box.append(seed.box);
  if (scales) box.append(scale.box);
  box.append(button('Reset', reset));
  return {
    box,
    show(state) {
      highlight.select.value = state.highlight;
      seed.select.value = state.seed;
      scale.select.value = state.scale;
      for (const own of boxes) own.box.checked = !state.hidden.includes(own.name);
      const left = strategies.length - state.hidden.length;
      summary.textContent = left < strategies.length ? `Strategies (${left} of ${strategies.length})` : 'Strategies';
    },
  };
}
