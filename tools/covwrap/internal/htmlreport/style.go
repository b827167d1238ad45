package htmlreport

// style is the one style sheet: it follows the reader's choice of light or
// dark.
const style = `:root { color-scheme: light dark; --hit: #d8f3dc; --miss: #ffd9d6; --part: #fff3bf; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --hit: #16351f; --miss: #4a1d1d; --part: #453a10; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 80rem; padding: 0 1rem 3rem; }
header { border-bottom: 1px solid var(--line); padding: .8rem 0 0; }
h1 { display: inline; font-size: 1.1rem; overflow-wrap: anywhere; }
a { color: inherit; }
i { font-style: normal; }
.high, .mid, .low { padding: 0 .3em; border-radius: .2em; }
.high { background: var(--hit); } .mid { background: var(--part); } .low { background: var(--miss); }
.index summary { cursor: pointer; padding: .3rem 0; }
.index table { margin-left: 1.1rem; border-spacing: 0; }
.bar { display: inline-block; width: 6rem; height: .7em; border: 1px solid var(--line); margin-right: .6em; }
.bar i { display: block; height: 100%; padding: 0; border-radius: 0; }
.num { display: inline-block; min-width: 5em; text-align: right; margin-right: .6em; font-variant-numeric: tabular-nums; }
.missed { overflow-wrap: anywhere; }
.code { font: 13px/1.45 ui-monospace, monospace; border-spacing: 0; width: 100%; tab-size: 4; }
.code td { white-space: pre-wrap; overflow-wrap: anywhere; vertical-align: top; padding: 0 .6em; }
.code td:nth-child(-n+2) { text-align: right; white-space: nowrap; user-select: none; opacity: .75; width: 1%; }
tr.hit { background: var(--hit); } tr.miss { background: var(--miss); } tr.part { background: var(--part); }
tr:target { outline: 2px solid; }
`
