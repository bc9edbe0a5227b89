/** HTML of ours -> GitHub's Markdown. What users wrote stays text: nothing of it becomes markup, a link or a cell's end. */
import { escapeText, type Html } from './html.ts';
import { collapsed, type Element, elementsOf, type Node, parseHtml, plainText, rawText } from './html-tree.ts';

export function markdown({ html }: Html): string {
  return `${blocks(parseHtml(html)).join('\n\n')}\n`;
}

const inline = new Set(['a', 'code', 'em', 'span', 'strong']);
const isInline = (node: Node): boolean => typeof node === 'string' || inline.has(node.tag);

/** Blocks stand apart by an empty line; text between them is a paragraph. */
function blocks(nodes: readonly Node[]): string[] {
  const made: string[] = [];
  let line: Node[] = [];
  const flush = () => {
    if (plainText(line) !== '') made.push(paragraph(line));
    line = [];
  };
  for (const node of nodes) {
    if (isInline(node)) line.push(node);
    else if (typeof node !== 'string') {
      flush();
      made.push(...block(node));
    }
  }
  flush();
  return made;
}

function block(element: Element): string[] {
  const { tag, attributes, children } = element;
  if (/^h[1-6]$/.test(tag)) return [`${'#'.repeat(Number(tag.slice(1)))} ${text(children).replace(/#+$/, '\\$&')}`];
  if (tag === 'p') return [attributes.class === 'note' ? `> ${paragraph(children)}` : paragraph(children)];
  if (tag === 'div' && attributes.role === 'note') return [`> ${paragraph(children)}`];
  if (tag === 'pre') return [fenced(rawText(children))];
  if (tag === 'ul')
    return [
      elementsOf(children, 'li')
        .map((item) => `- ${paragraph(item.children)}`)
        .join('\n'),
    ];
  if (tag === 'dl') return [definitions(children)];
  if (tag === 'table') return table(children);
  if (tag === 'svg') return [picture(element)];
  if (tag === 'details') return folded(children);
  return blocks(children);
}

/** On one line, so that nothing in it can start a block; what would at its start is escaped. */
const paragraph = (nodes: readonly Node[]): string =>
  text(nodes)
    .replace(/^([#+=:-])/, '\\$1')
    .replace(/^(\d+)([.)])/, '$1\\$2');

const text = (nodes: readonly Node[], isCell = false): string =>
  collapsed(nodes.map((node) => word(node, isCell)).join('')).trim();

function word(node: Node, isCell: boolean): string {
  if (typeof node === 'string') return escaped(node);
  const { tag, children } = node;
  if (tag === 'code') return code(rawText(children), isCell);
  if (tag === 'pre')
    return rawText(children)
      .split('\n')
      .map((line) => code(line, isCell))
      .join('<br>');
  const own = children.map((child) => word(child, isCell)).join('');
  if (own.trim() === '') return own;
  return tag === 'strong' ? `**${own.trim()}**` : tag === 'em' ? `*${own.trim()}*` : own;
}

/** What Markdown, or mathematics in it, would take as marks, and addresses that GitHub would link; underscores within a word are none. */
const escaped = (written: string): string =>
  written
    .replaceAll(/[\\`*[\]|~$]/g, '\\$&')
    .replaceAll(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\_')
    .replaceAll('://', ':\\//')
    .replaceAll(/\bwww\./gi, (start) => `${start.slice(0, -1)}\\.`)
    .replaceAll(/[&<>]/g, (mark) => escapeText(mark));

/** Between more backticks than it holds in a row. A bar between backticks would end a cell, escaped or not. */
function code(written: string, isCell: boolean): string {
  const content = collapsed(written);
  if (content.trim() === '') return '';
  if (isCell && content.includes('|')) return `<code>${escaped(content)}</code>`;
  const ticks = '`'.repeat(longest(content) + 1);
  const space = /^[` ]|[` ]$/.test(content) ? ' ' : '';
  return `${ticks}${space}${content}${space}${ticks}`;
}

function fenced(written: string): string {
  const ticks = '`'.repeat(Math.max(3, longest(written) + 1));
  return `${ticks}\n${written.replace(/\n$/, '')}\n${ticks}`;
}

/** Backticks in a row. */
const longest = (written: string): number =>
  Math.max(0, ...[...written.matchAll(/`+/g)].map(([ticks]) => ticks.length));

function definitions(nodes: readonly Node[]): string {
  const elements = nodes.filter((node) => typeof node !== 'string');
  return elements
    .flatMap(({ tag, children }, index) =>
      tag === 'dt' ? [`- **${text(children)}**: ${text(elements[index + 1]?.children ?? [])}`] : [],
    )
    .join('\n');
}

/** Markdown's tables have no groups of rows: a group's heading is a row of its own. */
function table(nodes: readonly Node[]): string[] {
  const caption = elementsOf(nodes, 'caption').map(({ children }) => `**${text(children)}**`);
  const rows = elementsOf(nodes, 'tr').map(({ attributes, children }) => ({
    isGroup: attributes.class === 'group',
    cells: children.filter((child) => typeof child !== 'string'),
  }));
  const [head, ...body] = rows;
  if (head === undefined) return caption;
  const isNumber = ({ attributes }: Element) => attributes.class === 'num';
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const lines = [
    line(head.cells.map(cell)),
    line(head.cells.map((column) => (isNumber(column) ? '--:' : '---'))),
    ...body.map(({ isGroup, cells }) =>
      line(isGroup ? head.cells.map((_, i) => (i === 0 ? `**${cells.map(cell).join('')}**` : '')) : cells.map(cell)),
    ),
  ];
  return [...caption, lines.join('\n')];
}

const cell = ({ children }: Element): string => text(children, true);

/** As GitHub folds it; what is always seen is HTML there. */
function folded(nodes: readonly Node[]): string[] {
  const summary = elementsOf(nodes, 'summary').map(({ children }) => escapeText(plainText(children)));
  const rest = nodes.filter((node) => typeof node === 'string' || node.tag !== 'summary');
  return [`<details><summary>${summary.join('')}</summary>`, ...blocks(rest), '</details>'];
}

function picture({ attributes, source = '' }: Element): string {
  const name = attributes['aria-labelledby']?.split('-title')[0] ?? '';
  const title = /<title[^>]*>([\s\S]*?)<\/title>/.exec(source)?.[1] ?? '';
  return `![${text(parseHtml(title))}](figures/${name}.svg)`;
}
