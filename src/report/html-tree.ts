/** Our own HTML as a tree, for what is made of it besides the page. It is well formed, since `html` escapes all else. */

export interface Element {
  tag: string;
  attributes: Readonly<Record<string, string>>;
  children: Node[];
  /** Of an SVG picture, which is no text: as it stands. */
  source?: string;
}
export type Node = string | Element;

const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };
const decoded = (text: string): string =>
  text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? '');

export function parseHtml(text: string): Node[] {
  const top: Node[] = [];
  const open: Element[] = [];
  const siblings = () => open.at(-1)?.children ?? top;
  const tokens = text.matchAll(/<svg\s([^<>]*)>[\s\S]*?<\/svg>|<(\/?)([a-z][a-z0-9]*)([^<>]*)>|[^<]+/g);
  for (const [token, ofSvg, slash, tag, written = ''] of tokens) {
    if (ofSvg !== undefined) {
      siblings().push({ tag: 'svg', attributes: attributesOf(ofSvg), children: [], source: token });
    } else if (tag === undefined) siblings().push(decoded(token));
    else if (slash === '/') open.pop();
    else if (tag === 'br') siblings().push(' ');
    else {
      const element = { tag, attributes: attributesOf(written), children: [] };
      siblings().push(element);
      open.push(element);
    }
  }
  return top;
}

const attributesOf = (written: string): Record<string, string> =>
  Object.fromEntries(
    [...written.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, decoded(value)]),
  );

/** What a reader sees of it, on one line. */
export const plainText = (nodes: readonly Node[]): string => collapsed(rawText(nodes)).trim();

/** With its line breaks. */
export const rawText = (nodes: readonly Node[]): string =>
  nodes.map((node) => (typeof node === 'string' ? node : rawText(node.children))).join('');

/** White space as a browser shows it; no-break spaces stay. */
export const collapsed = (text: string): string => text.replaceAll(/[ \t\r\n\f]+/g, ' ');

/** All elements with a tag, at any depth. */
export const elementsOf = (nodes: readonly Node[], tag: string): Element[] =>
  nodes.flatMap((node) =>
    typeof node === 'string' ? [] : [...(node.tag === tag ? [node] : []), ...elementsOf(node.children, tag)],
  );
