/** A box beside the pointer with the values of the mark under it. */
import { element } from './element.ts';

/** For the drawing only. */
const hiddenFields = ['color', 'rank', 'by_seed', 'shape', 'sign', 'text', 'values', 'stroke', 'dash', 'differences'];

const words: Record<string, string> = {
  mid: 'median',
  low: 'lowest',
  high: 'highest',
  at: 'value',
  line: 'configuration',
};

/** Called with the mark's datum, or with nothing where the pointer left it. */
export function tooltip(): (event: MouseEvent, value: unknown) => void {
  const box = element('div', { class: 'tip', role: 'tooltip', hidden: '' });
  document.body.append(box);
  return (event, value) => {
    const lines = typeof value === 'object' && value !== null ? linesOf(value) : [];
    box.hidden = lines.length === 0;
    if (box.hidden) return;
    box.replaceChildren(...lines.map(([name, text]) => element('div', {}, element('span', {}, name), ` ${text}`)));
    const { width, height } = box.getBoundingClientRect();
    box.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 4))}px`;
    box.style.top = `${event.clientY + 18 + height > innerHeight ? event.clientY - height - 10 : event.clientY + 18}px`;
  };
}

function linesOf(datum: object): [string, string][] {
  const said = Object.entries(datum).filter(([name]) => !hiddenFields.includes(name));
  // Names first; the strategy and the panel only where nothing else says which mark it is.
  const names = said.filter(([name, value]) => typeof value === 'string' && name !== 'strategy' && name !== 'panel');
  const others = names.length > 0 ? [] : said.filter(([name]) => name === 'strategy' || name === 'panel');
  const numbers = said.filter(([, value]) => typeof value === 'number');
  return [...names, ...others, ...numbers].flatMap(([name, value]): [string, string][] => {
    if (typeof value === 'number') return [[words[name] ?? name.replaceAll('_', ' '), numberText(value)]];
    return typeof value === 'string' ? [[words[name] ?? name.replaceAll('_', ' '), value]] : [];
  });
}

const numberText = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
