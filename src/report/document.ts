/** What every page of ours is: one file that loads nothing, and runs no script but one that is named by its hash. */
import { type Html, html, trusted } from './html.ts';
import type { Script } from './script.ts';
import { stylesheet } from './stylesheet.ts';

export interface Document {
  title: string;
  /** Rules besides the stylesheet that all pages share. */
  style?: string;
  body: Html;
  /** The only one that may run. */
  script?: Script;
}

export const documentOf = ({ title, style = '', body, script }: Document): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; ${script && trusted(`script-src '${script.hash}'; `)}style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(stylesheet() + style)}</style>
</head>
<body>
${body}${
  script &&
  html`<script>${trusted(script.text)}</script>
`
}</body>
</html>
`.html;
