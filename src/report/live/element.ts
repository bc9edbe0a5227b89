/** Elements of the page, made without markup in strings. */

type Child = Node | string;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function button(text: string, onClick: () => void, attributes: Record<string, string> = {}): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, text);
  made.addEventListener('click', onClick);
  return made;
}

/** With its label. `set` is called with what the reader chooses. */
export function choice(
  label: string,
  options: readonly { value: string; text: string }[],
  set: (value: string) => void,
): { box: HTMLElement; select: HTMLSelectElement } {
  const select = element('select', {}, ...options.map(({ value, text }) => element('option', { value }, text)));
  select.addEventListener('change', () => set(select.value));
  return { box: element('label', { class: 'choice' }, `${label} `, select), select };
}
