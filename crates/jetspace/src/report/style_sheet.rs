//! The looks of a report's page: on a screen, on a phone, on A4, in the dark.

/// CSS without `<`, `>` and `&`, so that it needs no escaping in XML.
pub(super) const STYLE_SHEET: &str = r#"
:root {
  color-scheme: light dark;
  --paper: #fffffd; --ink: #16181a; --faint: #5c6166; --rule: #c9ccce; --panel: #f6f6f3;
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #15171a; --ink: #e4e5e2; --faint: #9ea3a8; --rule: #45494e; --panel: #1d2024; }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; }
body {
  margin: 0; font: 17px/1.5 "STIX Two Text", Charter, "Bitstream Charter", Cambria,
    "Liberation Serif", "Times New Roman", serif;
  font-variant-numeric: lining-nums tabular-nums;
}
main { max-width: 54rem; margin: 0 auto; padding: 3.5rem 1.25rem 5rem; }
header { max-width: 40rem; }
h1 { font-size: 2rem; line-height: 1.15; font-weight: 600; margin: 0 0 0.9rem; }
h2 { font-size: 1.25rem; font-weight: 600; margin: 3rem 0 1rem; }
h3 { font-size: 0.9rem; font-weight: 600; margin: 1.5rem 0 0.4rem; }
p { margin: 0 0 0.8rem; }
sub, sup { line-height: 0; font-size: 0.72em; }
ul { max-width: 40rem; padding-left: 1.2rem; margin: 0; }
li { margin: 0 0 0.4rem; }
.scroll { overflow-x: auto; }
figure { margin: 0 0 2.2rem; break-inside: avoid; }
figure svg { display: block; max-width: 100%; height: auto; }
figcaption, .caption { font-size: 0.875rem; line-height: 1.45; color: var(--faint); }
figcaption { margin-top: 0.6rem; max-width: 44rem; }
figcaption b { color: var(--ink); font-weight: 600; }
.caption { margin: 0.7rem 0 0; max-width: 44rem; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr));
  gap: 0 2rem; }
.curves figure svg { width: 400px; }
table { border-collapse: collapse; font-size: 0.9rem; line-height: 1.35; }
.results { min-width: 100%; border-top: 1.5px solid var(--ink);
  border-bottom: 1.5px solid var(--ink); }
.results th { font-weight: 400; text-align: right; vertical-align: bottom; white-space: nowrap; }
.results th, .results td { padding: 0.3rem 0 0.3rem 1.1rem; }
.results th:first-child { text-align: left; padding-left: 0; }
.results thead tr + tr th { font-size: 0.8rem; color: var(--faint); padding-top: 0;
  border-bottom: 0.75px solid var(--ink); }
.results thead tr:first-child th[rowspan] { border-bottom: 0.75px solid var(--ink); }
.results thead tr + tr th:first-child { text-align: right; padding-left: 1.1rem; }
.results th[scope="colgroup"] { text-align: center; }
.results th[scope="colgroup"]::after { content: ""; display: block; margin-top: 0.25rem;
  border-bottom: 0.75px solid var(--rule); }
.results td { text-align: right; vertical-align: top; white-space: nowrap; }
.results tbody th { vertical-align: top; }
.results tbody tr:first-child th, .results tbody tr:first-child td { padding-top: 0.5rem; }
.results tbody tr:last-child th, .results tbody tr:last-child td { padding-bottom: 0.5rem; }
.range { font-size: 0.78rem; color: var(--faint); }
.facts th { text-align: left; font-weight: 400; color: var(--faint); padding: 0.1rem 2rem 0.1rem 0;
  white-space: nowrap; vertical-align: top; }
.facts td { padding: 0.1rem 0; }
pre { font: 0.78rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
  background: var(--panel); margin: 0; padding: 0.9rem 1.1rem; overflow: auto; max-height: 26rem;
  white-space: pre; }
@media (max-width: 40rem) {
  main { padding-top: 2rem; }
  h1 { font-size: 1.6rem; }
  section .scroll svg { max-width: none; }
  .curves .scroll svg { max-width: 100%; }
}
@page { size: A4; margin: 18mm 17mm; }
@media print {
  :root { color-scheme: light;
    --paper: #fff; --ink: #000; --faint: #444; --rule: #999; --panel: #fff; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  h1 { font-size: 20pt; }
  h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; }
  .curves { display: grid; grid-template-columns: 1fr 1fr; gap: 0 6mm; }
  pre { max-height: none; white-space: pre-wrap; border: 0.5pt solid #999; }
}
"#;
