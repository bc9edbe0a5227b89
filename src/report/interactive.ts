/**
 * A chart's specification for the reader's browser: the same picture, with what tooltips, zoom and the page's controls need. The static
 * picture is drawn from the specification as it was, so nothing here can change it.
 */
import { gzipSync } from 'node:zlib';
import { Error as ErrorLevel, logger } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { tickFormat } from './axis-range.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Fields = { [key: string]: Json };

export interface Interactive {
  /** Vega's specification as JSON, compressed with gzip, in base64. */
  spec: string;
  /** The same with the vertical axis the other way, where all that is drawn could stand on either. */
  other?: { scale: 'linear' | 'log'; spec: string };
}

/** Opacity of what isn't highlighted, as a share of its own. */
const FADED = 0.12;

/** @param strategies names to tell whose mark is which */
export function interactive(spec: TopLevelSpec, strategies: readonly string[]): Interactive {
  // What is no JSON, such as undefined, is no part of a specification.
  const plain: Json = JSON.parse(JSON.stringify(spec));
  if (!isRecord(plain)) throw new Error('a specification is an object');
  const other = otherScale(plain);
  return {
    spec: packed(alive(plain, strategies)),
    ...(other && { other: { scale: other.scale, spec: packed(alive(other.spec, strategies)) } }),
  };
}

const packed = (spec: Fields): string => gzipSync(compiled(spec)).toString('base64');

function compiled(spec: Fields): string {
  const log = logger(ErrorLevel);
  // Made from a specification that was typed; only known keys were added.
  const typed: TopLevelSpec = JSON.parse(JSON.stringify(spec));
  return JSON.stringify(compile(typed, { logger: log }).spec);
}

function alive(spec: Fields, strategies: readonly string[]): Fields {
  let panels = 0;
  const panelOf = (node: Fields, title: string): Fields => {
    const own = titleOf(node) || title;
    if (Array.isArray(node.concat))
      return { ...node, concat: records(node.concat).map((child) => panelOf(child, own)) };
    panels += 1;
    const name = `zoom_${panels}`;
    if (!Array.isArray(node.layer)) {
      const [first] = unitsOf(node, own, strategies);
      return first === undefined ? node : zoomed({ ...node, ...first }, name);
    }
    const units = records(node.layer).flatMap((unit) => unitsOf(unit, own, strategies));
    const at = units.findIndex((unit) => zoomable(unit).length > 0);
    return { ...node, layer: units.map((unit, i) => (i === at ? zoomed(unit, name) : unit)) };
  };
  const controls = [
    { name: 'highlight', value: '' },
    { name: 'hidden', value: [] },
    { name: 'seed', value: '' },
  ];
  return { ...panelOf(spec, ''), params: controls };
}

const titleOf = ({ title }: Fields): string =>
  typeof title === 'string' ? title : isRecord(title) ? String(title.text ?? '') : '';

/** One layer of a panel, and for a line the points that can be pointed at. */
function unitsOf(unit: Fields, panel: string, strategies: readonly string[]): Fields[] {
  const { data, mark } = unit;
  if (!isRecord(data) || !Array.isArray(data.values) || mark === undefined) return [unit];
  const values = data.values.map((datum) =>
    isRecord(datum) ? { ...datum, ...whose(datum, panel, strategies), ...(panel !== '' && { panel }) } : datum,
  );
  const look = isRecord(mark) ? mark : { type: mark };
  // Vega-Lite's own default.
  const usual = ['point', 'circle', 'square', 'tick'].includes(String(look.type)) ? 0.7 : 1;
  const own = typeof look.opacity === 'number' ? look.opacity : usual;
  const isFaded = "highlight != '' && isValid(datum.strategy) && datum.strategy != highlight";
  const opacity = { condition: { test: isFaded, value: FADED * own }, value: own };
  const encoding = isRecord(unit.encoding) ? unit.encoding : {};
  const isShown = { filter: 'indexof(hidden, datum.strategy) < 0' };
  const hasSeeds = values.some((datum) => isRecord(datum) && 'by_seed' in datum);
  const bySeed = { calculate: "seed == '' ? datum.mid : datum.by_seed[seed]", as: 'mid' };
  const transform = [
    ...records(unit.transform ?? []),
    isShown,
    // Of one seed there is no band; where it has no value the line has a gap.
    ...(!hasSeeds
      ? []
      : look.type === 'area'
        ? [{ filter: "seed == ''" }]
        : [bySeed, { filter: 'isValid(datum.mid)' }]),
  ];
  const made: Fields = {
    ...unit,
    data: { ...data, values },
    transform,
    mark: { ...look, ...(look.type !== 'text' && look.type !== 'line' && { tooltip: { content: 'data' } }) },
    ...('opacity' in encoding ? {} : { encoding: { ...encoding, opacity } }),
  };
  if (look.type !== 'line') return [made];
  const { x, y } = encoding;
  const points: Fields = {
    data: made.data ?? null,
    transform,
    mark: {
      type: 'point',
      filled: true,
      opacity: 0,
      size: 120,
      clip: look.clip ?? false,
      tooltip: { content: 'data' },
    },
    encoding: { ...(x !== undefined && { x }), ...(y !== undefined && { y }) },
  };
  return [made, points];
}

/** The strategy that a datum's own words begin with, else the one that its panel is named after. */
function whose(datum: Fields, panel: string, strategies: readonly string[]): { strategy?: string } {
  const words = Object.values(datum).filter((value) => typeof value === 'string');
  const named = (text: string) =>
    strategies
      .filter((name) => text === name || text.startsWith(`${name} `) || text.startsWith(`${name},`))
      .sort((a, b) => b.length - a.length)[0];
  const found = typeof datum.strategy === 'string' ? datum.strategy : (words.map(named).find(Boolean) ?? named(panel));
  return found === undefined ? {} : { strategy: found };
}

const zoomable = ({ encoding }: Fields): string[] =>
  ['x', 'y'].filter((channel) => {
    const own = isRecord(encoding) ? encoding[channel] : undefined;
    return isRecord(own) && own.type === 'quantitative' && own.bin === undefined && own.field !== undefined;
  });

/** Dragged, and with Ctrl and the wheel, so that the page can still be scrolled over it. */
function zoomed(unit: Fields, name: string): Fields {
  const encodings = zoomable(unit);
  if (encodings.length === 0) return unit;
  const select = { type: 'interval', encodings, zoom: 'wheel![event.ctrlKey]' };
  return { ...unit, params: [{ name, select, bind: 'scales' }] };
}

/** The same chart with logarithms for linear steps on its vertical axes, or the other way round; undefined where some value isn't above 0. */
function otherScale(spec: Fields): { scale: 'linear' | 'log'; spec: Fields } | undefined {
  const found = axesOf(spec);
  const [first] = found;
  if (first === undefined || found.some(({ log }) => log !== first.log)) return undefined;
  if (found.some(({ values }) => values.some((value) => value <= 0) || values.length === 0)) return undefined;
  const least = Math.min(...found.flatMap(({ values }) => values));
  const scale = first.log ? 'linear' : 'log';
  return { scale, spec: withAxes(spec, scale, least) };
}

/** Of every unit with a quantitative vertical axis: whether it is logarithmic, and what is drawn on it. */
function axesOf(node: Fields): { log: boolean; values: number[] }[] {
  const children = [node.concat, node.layer].flatMap((list) => (Array.isArray(list) ? records(list) : []));
  const { encoding, data } = node;
  const own: { log: boolean; values: number[] }[] = [];
  if (isRecord(encoding) && isRecord(data)) {
    const { y, y2 } = encoding;
    if (isRecord(y) && y.type === 'quantitative' && y.axis !== undefined) {
      const names = [y, y2].flatMap((one) => (isRecord(one) ? [String(one.field)] : []));
      const rows = Array.isArray(data.values) ? records(data.values) : [];
      const values = rows.flatMap((row) => names.map((name) => row[name])).filter((value) => typeof value === 'number');
      const log = isRecord(y.scale) && y.scale.type === 'log';
      if (values.length > 0) own.push({ log, values });
    }
  }
  return [...own, ...children.flatMap(axesOf)];
}

function withAxes(node: Fields, scale: 'linear' | 'log', least: number): Fields {
  const inside = (list: Json | undefined) =>
    Array.isArray(list) ? records(list).map((child) => withAxes(child, scale, least)) : undefined;
  const [concat, layer] = [inside(node.concat), inside(node.layer)];
  const encoding = isRecord(node.encoding) ? node.encoding : undefined;
  const y = isRecord(encoding?.y) ? encoding.y : undefined;
  return {
    ...node,
    ...(concat && { concat }),
    ...(layer && { layer }),
    ...(encoding &&
      y?.type === 'quantitative' && { encoding: { ...encoding, y: { ...y, ...turned(y, scale, least) } } }),
  };
}

/** A scale and an axis of the other kind over the same values; below the least of them a logarithm would go on for ever. */
function turned(y: Fields, scale: 'linear' | 'log', least: number): Fields {
  const own = isRecord(y.scale) ? y.scale : {};
  const [low = 0, high = 1] = Array.isArray(own.domain) ? own.domain.map(Number) : [];
  const { values: _, ...axis } = isRecord(y.axis) ? y.axis : {};
  const { type: _type, zero: _zero, ...rest } = own;
  if (scale === 'log') {
    const domain = [low > 0 ? low : least / 1.15, high];
    return { scale: { ...rest, type: 'log', domain }, axis: { ...axis, format: '~g' } };
  }
  return {
    scale: { ...rest, domain: [low, high], zero: false },
    axis: { ...axis, tickCount: 4, format: tickFormat(high) },
  };
}

const isRecord = (value: Json | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const records = (list: Json): Fields[] => (Array.isArray(list) ? list.filter(isRecord) : []);
