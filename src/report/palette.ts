/**
 * Colours, all as CSS variables with a light default inside, so that one SVG serves light and dark pages and still
 * looks right when taken out of the page. Hues: Okabe & Ito (2008), which stay apart with any common colour blindness;
 * their yellow is left out, too pale for a line on white.
 */

const hues = ['#0072b2', '#d55e00', '#009e73', '#b8629a', '#c98500', '#3d9bd1'];
const huesOnDark = ['#4aa8e0', '#f0803c', '#35c79d', '#e09ac4', '#f0b63c', '#9bd3f5'];

/** Strategies that can share a chart and still be told apart. */
export const HUES = hues.length;
/** Thresholds that can share a panel: as many shades, each with a dash pattern of its own. */
export const SHADES = 5;

const dashes = [[], [7, 3], [4, 2], [2, 2], [1, 3]];

export interface Stroke {
  color: string;
  dash: number[];
}

const named = {
  ink: { light: '#1d2129', dark: '#e4e6ea' },
  paper: { light: '#ffffff', dark: '#16191f' },
  muted: { light: '#5a6270', dark: '#a0a8b5' },
  grid: { light: '#e4e6ea', dark: '#343a44' },
  reference: { light: '#838b97', dark: '#98a1ae' },
};

/** Text, axes and lines that are not data. */
export const color = (name: keyof typeof named): string => `var(--${name},${named[name].light})`;

/** The stroke of the baseline in every chart. */
export const referenceStroke: Stroke = { color: color('reference'), dash: [] };

/** The stroke of strategy number `index`, for charts with one line a strategy. */
export const strategyStroke = (index: number): Stroke => ({ color: shade(index, 2), dash: [] });

/** The stroke of threshold number `rank` of `count` (small to large) of a strategy: dark and solid to light and dotted. */
export function thresholdStroke(index: number, rank: number, count: number): Stroke {
  const level = count < 2 ? 2 : Math.round((rank * (SHADES - 1)) / (count - 1));
  return { color: shade(index, level), dash: dashes[rank] ?? [] };
}

const shade = (index: number, level: number): string => {
  const hue = index % HUES;
  return `var(--h${hue}-${level},${shadeHex(hues[hue] ?? '', level, false)})`;
};

/** On white the tightest threshold is darkest, on black it is lightest: in both it stands out most. */
const shadeHex = (hex: string, level: number, onDark: boolean): string => {
  const strength = [0.42, 0.2, 0, 0.18, 0.34][level] ?? 0;
  const towards = level < 2 === onDark ? 255 : 0;
  return mix(hex, towards, onDark ? strength * 0.9 : strength);
};

/** `share` of the way from a colour to a grey level. */
const mix = (hex: string, grey: number, share: number): string => blend(hex, `#${channel(grey).repeat(3)}`, share);

/** `share` of the way from one colour to another, in sRGB. */
export function blend(from: string, to: string, share: number): string {
  const part = (color: string, index: number) => Number.parseInt(color.slice(1 + 2 * index, 3 + 2 * index), 16);
  return `#${[0, 1, 2].map((i) => channel(part(from, i) + share * (part(to, i) - part(from, i)))).join('')}`;
}

const channel = (value: number): string => Math.round(value).toString(16).padStart(2, '0');

/** Declarations for `:root`, one set for light pages and one for dark. */
export function cssVariables(onDark: boolean): string {
  const shades = (onDark ? huesOnDark : hues).flatMap((hex, hue) =>
    dashes.map((_, level) => `--h${hue}-${level}:${shadeHex(hex, level, onDark)}`),
  );
  const names = Object.entries(named).map(([name, value]) => `--${name}:${onDark ? value.dark : value.light}`);
  return [...names, ...shades].join(';');
}

/** Colours of a heatmap cell for a value at `share` of the way from worst (0) to best (1): they don't change with the page. */
export function cellColors(share: number): { fill: string; text: string } {
  const fill = share < 0.5 ? blend('#f3f6fa', '#8fbce0', 2 * share) : blend('#8fbce0', '#0b4a86', 2 * share - 1);
  return { fill, text: share > 0.62 ? '#ffffff' : '#14181f' };
}
