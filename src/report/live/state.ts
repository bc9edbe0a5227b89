/** What the reader has chosen, and how it stands in the page's address. */

export interface State {
  /** Id of the section that was jumped to. */
  section: string;
  /** A strategy: all others fade. '' for none. */
  highlight: string;
  /** Strategies that are left out. */
  hidden: string[];
  /** A single seed in the place of medians; '' for all. */
  seed: string;
  /** Of vertical axes; '' as the page draws them. */
  scale: '' | 'linear' | 'log';
  /** By number of the figure: which of its metrics, from 0. */
  metrics: Record<string, number>;
  /** By number of the table. */
  sorts: Record<string, Sort>;
  filters: Record<string, string>;
}

export interface Sort {
  column: number;
  descending: boolean;
}

export const initial: State = {
  section: '',
  highlight: '',
  hidden: [],
  seed: '',
  scale: '',
  metrics: {},
  sorts: {},
  filters: {},
};

/** `#runs&highlight=norm&sort2=3-&filter2=diverged`; what is as it was at first is left out. */
export function toHash(state: State): string {
  const { section, highlight, hidden, seed, scale, metrics, sorts, filters } = state;
  const pairs = [
    ['highlight', highlight],
    ...hidden.map((name) => ['hide', name]),
    ['seed', seed],
    ['scale', scale],
    ...Object.entries(metrics).map(([figure, index]) => [`metric${figure}`, index > 0 ? String(index) : '']),
    ...Object.entries(sorts).map(([table, { column, descending }]) => [
      `sort${table}`,
      `${column}${descending ? '-' : ''}`,
    ]),
    ...Object.entries(filters).map(([table, text]) => [`filter${table}`, text]),
  ];
  const written = pairs.flatMap(([key, value = '']) => (value === '' ? [] : [`${key}=${encodeURIComponent(value)}`]));
  const all = [encodeURIComponent(section), ...written].filter((part) => part !== '');
  return all.length === 0 ? '' : `#${all.join('&')}`;
}

/** What can't be read, such as a hand-written slip, is as at first. */
export function fromHash(hash: string): State {
  const state: State = { ...initial, hidden: [], metrics: {}, sorts: {}, filters: {} };
  for (const part of hash.replace(/^#/, '').split('&')) {
    const at = part.indexOf('=');
    const [key, value] = at < 0 ? ['', decoded(part)] : [part.slice(0, at), decoded(part.slice(at + 1))];
    const [, kind = key, number = ''] = /^(metric|sort|filter)(\d+)$/.exec(key) ?? [];
    if (kind === '') state.section = value;
    else if (kind === 'highlight') state.highlight = value;
    else if (kind === 'hide' && value !== '') state.hidden.push(value);
    else if (kind === 'seed') state.seed = value;
    else if (kind === 'scale' && (value === 'linear' || value === 'log')) state.scale = value;
    else if (kind === 'metric' && /^[1-9]\d*$/.test(value)) state.metrics[number] = Number(value);
    else if (kind === 'filter' && value !== '') state.filters[number] = value;
    else if (kind === 'sort' && /^\d+-?$/.test(value)) {
      state.sorts[number] = { column: Number.parseInt(value, 10), descending: value.endsWith('-') };
    }
  }
  return state;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
