/** The page's look: set like a printed report, in the reader's own fonts, light or dark as the reader's system asks. */
import { cssVariables } from './palette.ts';

export const stylesheet = (): string => `
:root{${cssVariables(false)};--panel:#f6f7f9;--rule:#d9dde3;--link:#0b5394;--alarm:#9a2a00;--on-alarm:#ffffff;
--serif:Charter,"Bitstream Charter","Iowan Old Style","Source Serif 4","Source Serif Pro",Cambria,Georgia,"Liberation Serif",serif;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Liberation Sans",Arial,sans-serif;
--mono:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{${cssVariables(true)};--panel:#1f242c;--rule:#3a414c;--link:#86bdf0;--alarm:#ffb38f;--on-alarm:#2a0d00}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0 auto;max-width:66rem;padding:3.5rem 2rem 5rem;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 var(--serif);overflow-wrap:break-word}
header p,main p,main ul,main dl,.answer{max-width:44rem}
.smoke{position:sticky;top:0;z-index:2;margin:-3.5rem 0 2.5rem;padding:.75rem 0;background:var(--alarm);color:var(--on-alarm);font:1rem/1.4 var(--sans);box-shadow:0 0 0 100vmax var(--alarm);clip-path:inset(0 -100vmax)}
html:has(.smoke){scroll-padding-top:3.5rem}
h1{font-size:2.15rem;line-height:1.2;font-weight:600;letter-spacing:-.01em;margin:.4rem 0 1.4rem;max-width:46rem;text-wrap:balance}
h2{font-size:1.45rem;line-height:1.3;font-weight:600;margin:0 0 1.1rem}
h3{font:600 .95rem/1.4 var(--sans);margin:2rem 0 .5rem}
p{margin:0 0 1rem}
a{color:var(--link);text-decoration-thickness:.06em;text-underline-offset:.15em}
.kicker{font:.8125rem/1.4 var(--sans);color:var(--muted);margin:0}
.lead{font-size:1.125rem}
.number{color:var(--muted);font-weight:400;margin-right:.35em}
.answer{border-left:3px solid var(--ink);padding:.1rem 0 .1rem 1.25rem;margin:1.8rem 0 2.2rem}
.answer h2{font:600 .8125rem/1.4 var(--sans);color:var(--muted);margin:0 0 .35rem}
.answer p,.answer li{margin:0 0 .45rem}
.answer ul{margin:0;padding-left:1.1rem}
header figure{margin:1.6rem 0}header figcaption{margin-bottom:.6rem}
nav ol{list-style:none;counter-reset:toc;display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.2rem 1.5rem;margin:0;padding:1rem 0;border-block:1px solid var(--rule);font:.9rem/1.5 var(--sans)}
nav li{counter-increment:toc}
nav li::before{content:counter(toc);color:var(--muted);display:inline-block;width:1.4em}
section{padding-top:3.6rem}
.note{background:var(--panel);border-radius:4px;padding:.8rem 1.1rem}
.empty{color:var(--muted);font-style:italic}
figure{margin:2.2rem 0 2.8rem}
figcaption{font:.875rem/1.5 var(--sans);color:var(--muted);max-width:48rem;margin-bottom:1.1rem}
figcaption strong{color:var(--ink)}
.plot{break-inside:avoid;margin-bottom:1.6rem}
.plot h3{margin:0 0 .5rem;padding-top:.6rem;border-top:1px solid var(--rule)}
.scroll{overflow-x:auto;max-width:100%}
.scroll:focus-visible{outline:2px solid var(--link);outline-offset:3px}
.plot svg{display:block;max-width:100%;min-width:46rem;height:auto}
.plot.narrow svg{min-width:0}
svg text{font-family:var(--sans)}
table{border-collapse:collapse;font:.84375rem/1.45 var(--sans);margin:0;min-width:min(100%,36rem)}
caption{text-align:left;font-weight:600;padding:0 0 .5rem;caption-side:top}
th,td{padding:.28rem 1.1rem .28rem 0;text-align:left;vertical-align:baseline;white-space:nowrap}
td:last-child,th:last-child{padding-right:.2rem}
thead th{white-space:normal;font-weight:600;color:var(--muted);border-bottom:1px solid var(--ink);vertical-align:bottom;background:var(--paper)}
tbody th{font-weight:400}
tbody tr+tr>*{border-top:1px solid var(--rule)}
tbody:last-child tr:last-child>*{border-bottom:1px solid var(--ink)}
.group th{font-weight:600;padding-top:1rem}
.num{text-align:right;font-variant-numeric:tabular-nums}
.tall{max-height:34rem;overflow-y:auto}
.tall thead th{position:sticky;top:0;border-bottom:0;box-shadow:inset 0 -1px var(--ink)}
main .scroll:has(table){margin:1.4rem 0 1.8rem}
code,pre{font-family:var(--mono);font-size:.86em}
pre{background:var(--panel);border-radius:4px;padding:.9rem 1.1rem;overflow-x:auto;line-height:1.5;max-width:100%}
td pre{min-width:18rem;background:none;padding:0;margin:0;white-space:pre-wrap;overflow-wrap:anywhere;max-width:44rem}
td:has(pre){white-space:normal}
.terms dt{font:600 .875rem/1.5 var(--sans)}
.terms dd,.pairs dd{margin:0 0 .7rem}
.terms dd{font-size:.96rem}
main dl.pairs{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem 1.4rem;font:.875rem/1.5 var(--sans);max-width:100%}
.pairs dt{color:var(--muted)}
.pairs dd{margin:0;overflow-wrap:anywhere}
details{margin:.4rem 0}
summary{cursor:pointer;font:.9rem/1.6 var(--sans)}
details td:last-child{white-space:normal;min-width:16rem}
#reproduce table td{white-space:normal}
footer{margin-top:4rem;padding-top:1rem;border-top:1px solid var(--rule);font:.8125rem/1.5 var(--sans);color:var(--muted)}
.bar,.tools,.choice,.search{font:.84375rem/1.5 var(--sans)}
.bar{position:sticky;top:0;z-index:1;display:flex;flex-wrap:wrap;gap:.4rem 1.2rem;align-items:center;padding:.5rem 0;margin-top:1rem;background:var(--paper);border-bottom:1px solid var(--rule)}
html:has(.bar){scroll-padding-top:3rem}
.menu{margin:0}.menu:not([open])>div{display:none}.menu>div{position:absolute;left:0;top:100%;z-index:2;max-width:100%;display:grid;gap:.15rem;min-width:12rem;max-height:60vh;overflow-y:auto;padding:.6rem .9rem;background:var(--paper);border:1px solid var(--rule);border-radius:4px}
select,input[type=search],.bar button,.tools button{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--rule);border-radius:4px;padding:.15rem .5rem}
button{cursor:pointer}
:is(button,select,input,summary):focus-visible{outline:2px solid var(--link);outline-offset:2px}
.tools{margin:.2rem 0 0}.tools summary{color:var(--muted)}.tools p{margin:.3rem 0;color:var(--muted)}.tools button{margin:0 .4rem .3rem 0}
thead th button{all:unset;cursor:pointer;font:inherit;color:inherit}thead th button:focus-visible{outline:2px solid var(--link)}
th[aria-sort=ascending] button::after{content:" ↑"}th[aria-sort=descending] button::after{content:" ↓"}
.search{margin:1.2rem 0 -.6rem}tr.faded>*{opacity:.35}
.tip{position:fixed;z-index:3;max-width:22rem;padding:.4rem .6rem;background:var(--paper);color:var(--ink);border:1px solid var(--rule);border-radius:4px;font:.78125rem/1.45 var(--sans);pointer-events:none;box-shadow:0 2px 8px #0003}
.tip span{color:var(--muted)}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
[hidden]{display:none!important}
@media (max-width:40rem){.bar{position:static}html:has(.bar){scroll-padding-top:0}body{padding:1.6rem 1.1rem 3rem;font-size:1rem}.smoke{margin-top:-1.6rem;font-size:.9rem}h1{font-size:1.6rem}section{padding-top:2.6rem}}
@media print{:root{${cssVariables(false)};--panel:#f6f7f9;--rule:#d9dde3;color-scheme:light}
body{max-width:none;padding:0;font-size:10pt}nav{display:none}a{color:inherit;text-decoration:none}
.bar,.tools,.search,.tip,figure>.choice{display:none}
.smoke{position:static;margin:0 0 1.5rem;padding:.6rem .8rem;background:none;color:inherit;border:3px solid;box-shadow:none;clip-path:none}
.scroll,.tall,pre{overflow:visible;max-height:none}.plot svg{min-width:0;max-width:100%}pre{white-space:pre-wrap}
table{font-size:7pt;min-width:0}th,td{padding-right:.5rem;white-space:normal}tr,.plot,figcaption{break-inside:avoid}h2,h3,figcaption{break-after:avoid}.tall thead th{position:static;box-shadow:none;border-bottom:1px solid}}
`;
