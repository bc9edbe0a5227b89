/** Text that is already HTML. Only `html` and `trusted` make it, so what isn't marked gets escaped. */
export interface Html {
  readonly html: string;
}
type Content = string | number | false | Html | undefined | readonly Content[];

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text made safe inside elements and quoted attributes. Characters that HTML forbids are shown as U+FFFD. */
export const escapeText = (text: string): string =>
  text
    .replace(/[&<>"']/g, (character) => entities[character] ?? character)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to take out
    .replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]/g, '\uFFFD');

/** Template tag: every value put in is escaped unless it is Html; lists are joined, undefined is nothing. */
export function html(strings: TemplateStringsArray, ...values: Content[]): Html {
  return { html: strings.reduce((text, string, index) => text + render(values[index - 1]) + string) };
}

/** Text in which names stand between backticks, as parts and columns describe themselves. */
export const prose = (text: string): Html =>
  html`${text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;

/** Marks text made elsewhere (an SVG by vega) as HTML. Never call it on anything that a user wrote. */
export const trusted = (text: string): Html => ({ html: text });

const render = (value: Content): string => {
  if (value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'number') return escapeText(String(value));
  return 'html' in value ? value.html : value.map(render).join('');
};
