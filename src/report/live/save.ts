/** What a figure shows as files: its picture, and the numbers behind it. */
import { element } from './element.ts';

export function saveText(name: string, type: string, text: string): void {
  saveBlob(name, new Blob([text], { type }));
}

function saveBlob(name: string, blob: Blob): void {
  const href = URL.createObjectURL(blob);
  element('a', { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** The picture as a file of its own: colours as they are on the page, on its background. */
export function standalone(svg: SVGSVGElement): string {
  const style = getComputedStyle(document.documentElement);
  const copy = document.importNode(svg, true);
  copy.removeAttribute('aria-hidden');
  copy.style.background = style.getPropertyValue('--paper').trim() || '#fff';
  copy.style.fontFamily = 'sans-serif';
  return new XMLSerializer()
    .serializeToString(copy)
    .replaceAll(
      /var\((--[\w-]+)(?:,([^()]*))?\)/g,
      (_, name: string, fallback = '') => style.getPropertyValue(name).trim() || fallback,
    );
}

/** Twice as many pixels, for print and for dense screens. */
export async function savePng(name: string, svg: SVGSVGElement): Promise<void> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(svg))}`;
  await image.decode();
  const canvas = element('canvas');
  canvas.width = 2 * image.naturalWidth;
  canvas.height = 2 * image.naturalHeight;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--paper').trim() || '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => blob && saveBlob(name, blob), 'image/png');
}
