/** One picture of the page, brought to life when it comes into view: Vega draws it again, from the same specification. */
import { parse, type Spec, textMetrics, View } from 'vega';
import { expressionInterpreter } from 'vega-interpreter';
import { textWidth } from '../text-width.ts';
import { csvOf } from './csv.ts';
import { button, element } from './element.ts';
import { savePng, saveText, standalone } from './save.ts';
import type { State } from './state.ts';

/** Text is as wide as where the page was made, so that nothing moves. */
export function measureAsMade(): void {
  textMetrics.canvas(false);
  textMetrics.width = (item: { fontSize?: number }, line: string) => textWidth(line ?? '', item.fontSize ?? 11);
}

export interface Plot {
  /** Draws what the reader has chosen: now where it is alive, else when it comes into view. */
  show(state: State): void;
  wake(): Promise<void>;
}

type Tip = (event: MouseEvent, value: unknown) => void;

/** @param box holds a `.scroll` with the picture, and the specifications; undefined where there are none */
export function plot(box: HTMLElement, tip: Tip): Plot | undefined {
  const sources = [...box.querySelectorAll<HTMLElement>('script[data-scale]')];
  const frame = box.querySelector<HTMLElement>('.scroll');
  const still = frame?.querySelector('svg');
  if (sources.length === 0 || !frame || !still) return undefined;
  const name = still.querySelector('title')?.textContent ?? 'figure';
  const about = still.querySelector('desc')?.textContent ?? '';
  const id = box.dataset.id ?? 'figure';
  const place = element('div', { role: 'img', 'aria-label': `${name}. ${about}` });
  let wanted: State | undefined;
  let drawn: { scale: string; view: View; spec: Spec } | undefined;
  let busy: Promise<void> = Promise.resolve();

  const draw = async (): Promise<void> => {
    const scale = wanted?.scale ?? '';
    const source = sources.find((own) => own.dataset.scale === scale) ?? sources[0];
    if (source === undefined) return;
    const kind = source.dataset.scale ?? '';
    if (drawn?.scale !== kind) {
      const spec = await unpacked(source.textContent ?? '');
      drawn?.view.finalize();
      const view = new View(parse(spec, {}, { ast: true }), { expr: expressionInterpreter, renderer: 'svg' });
      view.tooltip((_handler: unknown, event: MouseEvent, _item: unknown, value: unknown) => tip(event, value));
      view.initialize(place);
      drawn = { scale: kind, view, spec };
    }
    const { view } = drawn;
    view.signal('highlight', wanted?.highlight ?? '');
    view.signal('hidden', wanted?.hidden ?? []);
    view.signal('seed', wanted?.seed ?? '');
    await view.runAsync();
    place.querySelector('svg')?.setAttribute('aria-hidden', 'true');
    if (still.isConnected) {
      still.replaceWith(place);
      box.classList.add('live');
    }
  };
  const redraw = () => {
    busy = busy.then(draw);
    return busy;
  };
  /** Undefined: all of it, as at first. */
  const zoom = async (factor: number | undefined) => {
    await redraw();
    if (drawn === undefined) return;
    const { view, spec } = drawn;
    for (const { signal, extent, isLog } of extents(view, spec)) {
      view.signal(signal, factor === undefined ? null : around(extent, factor, isLog));
    }
    await view.runAsync();
  };
  const picture = async (): Promise<SVGSVGElement | null> => {
    await redraw();
    return place.querySelector('svg');
  };
  box.append(
    element(
      'details',
      { class: 'tools' },
      element('summary', {}, 'Zoom and save', element('span', { class: 'unseen' }, `: ${name}`)),
      element('p', {}, 'Drag to move; Ctrl and the wheel, or a double click to go back, zoom.'),
      button('Zoom in', () => void zoom(0.5)),
      button('Zoom out', () => void zoom(2)),
      button('Reset', () => void zoom(undefined)),
      button('Save SVG', async () => {
        const svg = await picture();
        if (svg !== null) saveText(`${id}.svg`, 'image/svg+xml', standalone(svg));
      }),
      button('Save PNG', async () => {
        const svg = await picture();
        if (svg !== null) await savePng(`${id}.png`, svg);
      }),
      button('Save CSV', async () => {
        await redraw();
        saveText(`${id}.csv`, 'text/csv', csvOf(drawn?.spec.data ?? []));
      }),
    ),
  );
  return {
    show(state) {
      wanted = state;
      if (drawn !== undefined) void redraw();
    },
    wake: redraw,
  };
}

/** What part of each axis is shown that can be zoomed, by the signal that says so. */
function extents(view: View, { scales = [] }: Spec): { signal: string; extent: number[]; isLog: boolean }[] {
  return scales.flatMap((scale) => {
    const raw = 'domainRaw' in scale ? JSON.stringify(scale.domainRaw) : '';
    const [, name, field = ''] = /"(zoom_\d+)\[\\"(.*?)\\"\]"/.exec(raw) ?? [];
    if (name === undefined) return [];
    const extent: number[] = view.scale(scale.name).domain();
    return [{ signal: `${name}_${field.replaceAll(/\W/g, '_')}`, extent, isLog: scale.type === 'log' }];
  });
}

/** A part of an axis around its middle, `factor` times as long. */
function around([low = 0, high = 1]: number[], factor: number, isLog: boolean): number[] {
  const [to, from] = isLog ? [Math.log, Math.exp] : [Number, Number];
  const [middle, half] = [(to(low) + to(high)) / 2, ((to(high) - to(low)) / 2) * factor];
  return [from(middle - half), from(middle + half)];
}

/** Base64 of gzip. */
async function unpacked(text: string): Promise<Spec> {
  const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).json();
}
