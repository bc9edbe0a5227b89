import type { Figure } from '../figure.ts';
import type { Html } from '../html.ts';
import type { Story } from '../story.ts';

export interface Section {
  id: string;
  title: string;
  body: Html;
}

/** Renders a figure and gives it the next number. */
export type Draw = (figure: Figure) => Promise<Html>;

/** Undefined where there is nothing that it could tell. */
export type Tell = (story: Story, draw: Draw) => Promise<Section | undefined>;
