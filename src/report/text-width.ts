/**
 * Width in px of a line of sans-serif text, without a font or a canvas: vega lays out legends with it. Shares of the
 * font size as in DejaVu Sans, the widest of the usual system fonts: in others a legend merely stands a little looser.
 */
export const textWidth = (text: string, fontSize: number): number => {
  let width = 0;
  for (const character of text) width += share(character);
  return Math.ceil(width * fontSize);
};

const share = (character: string): number => {
  if (/[ijl.,:;'|!]/.test(character)) return 0.3;
  if (/[ ftr()[\]{}/\\\-"`]/.test(character)) return 0.4;
  if (/[mwMW%@…]/.test(character)) return 1;
  if (/[A-Z&<>=+~^#]/.test(character)) return 0.84;
  return /[\u0020-\u024F\u2010-\u2026]/.test(character) ? 0.64 : 1;
};
