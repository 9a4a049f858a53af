"""How the page looks: light, dark, and on paper. Contrast is 4.5 : 1 for words and 3 : 1 for shapes (WCAG 2.2 AA)."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

LIGHT: Final = {"ground": "#ffffff", "text": "#1b1f24", "quiet": "#57606a", "first": "#0a58ca", "second": "#a34a00"}
DARK: Final = {"ground": "#14171a", "text": "#e6e8ea", "quiet": "#a8b0b8", "first": "#6ea8fe", "second": "#ffb86b"}


def _variables(colours: dict[str, str]) -> str:
    return ":root{" + "".join(f"--{name}:{colour};" for name, colour in colours.items()) + "}"


STYLE: Final = (
    _variables(LIGHT)
    + "@media screen and (prefers-color-scheme:dark){"
    + _variables(DARK)
    + "}"
    + """
:root{color-scheme:light dark}
body{background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;
padding:0 1rem}
h1,h2,h3{line-height:1.2}
h2{border-bottom:1px solid var(--quiet);margin-top:2.5rem}
dl{display:grid;gap:.25rem 1rem;grid-template-columns:max-content 1fr}
dt,caption,thead,figcaption{color:var(--quiet)}
dd{margin:0}
dd,td,p{overflow-wrap:anywhere;unicode-bidi:isolate}
figure{margin:1rem 0}
svg{display:block;height:auto;max-width:100%;width:40rem}
svg text{fill:var(--text);font:13px system-ui,sans-serif}
table{border-collapse:collapse;font-size:.9rem;margin:.5rem 0}
caption{text-align:left}
th,td{border-bottom:1px solid var(--quiet);padding:.2rem .75rem .2rem 0;text-align:left;vertical-align:top}
.number{font-variant-numeric:tabular-nums;text-align:right}
.own,.dot.own{fill:var(--first)}
.others,.reserve,.free{stroke:var(--second)}
.reserve,.free{fill:none;stroke:var(--quiet)}
.reserve{stroke-dasharray:3 3}
.stripe{stroke:var(--second);stroke-width:2}
.dot.total{fill:var(--second)}
.line{fill:none;stroke-width:2}
.line.total{stroke:var(--second)}
.line.own{stroke:var(--first);stroke-dasharray:6 3}
.line.limit{stroke:var(--quiet);stroke-dasharray:2 4}
.axis{fill:none;stroke:var(--quiet)}
@media print{body{margin:0;max-width:none}figure,tr{break-inside:avoid}h2,h3{break-after:avoid}}
"""
)
POLICY: Final = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'"
)
"""Content security policy: this style, and nothing that is fetched, run or sent."""
