/** Exports of vega 6 that its own declarations leave out; both decide whether the same chart gives the same bytes. */
declare module 'vega' {
  /** Clip paths and gradients are numbered by a counter of the process; this sets it back to 0. */
  export function resetSVGDefIds(): void;
  export const textMetrics: {
    /** Whether text is measured with a canvas, where one is installed. */
    canvas(use: boolean): void;
    /** Width in px of a line of text, used to lay out legends and to cut labels. */
    width: (item: { fontSize?: number }, text: string | undefined) => number;
  };
}
