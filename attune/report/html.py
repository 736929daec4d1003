"""The parts of a self-contained HTML page, which opens offline."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import pandas as pd

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { margin-top: 2.4rem; border-bottom: 1px solid #ccc; } h3 { margin-bottom: 0.3rem; }
table { border-collapse: collapse; margin: 0.6rem 0; font-size: 0.86rem; } .wide { overflow-x: auto; }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 1rem 0; } img { max-width: 100%; } figcaption { color: #555; font-size: 0.86rem; }
pre { background: #f5f5f5; padding: 0.8rem; overflow-x: auto; font-size: 0.8rem; }
nav a { margin-right: 1rem; } blockquote { margin: 0.8rem 0 0.2rem; padding-left: 0.8rem; border-left: 3px solid #bbb; }
"""


def page(title: str, sections: Sequence[tuple[str, str]]) -> str:
    """A page of (heading, HTML body) sections below a list of links to them; it loads nothing from elsewhere."""
    links = "".join(f'<a href="#s{at}">{escape(name)}</a>' for at, (name, _) in enumerate(sections))
    parts = "".join(f'<h2 id="s{at}">{escape(name)}</h2>\n{body}\n' for at, (name, body) in enumerate(sections))
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f"<nav>{links}</nav>\n{parts}</body>\n</html>\n"
    )


def table(rows: pd.DataFrame) -> str:
    """An HTML table: numbers right-aligned, fractions to three decimals, missing values as empty cells."""
    if rows.empty:
        return "<p>none</p>"
    head = "".join(_cell("th", rows[name], escape(name)) for name in rows.columns)
    body = "".join(
        "<tr>" + "".join(_cell("td", rows[name], escape(_text(row[name]))) for name in rows.columns) + "</tr>\n"
        for row in rows.to_dict("records")
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _cell(tag: str, column: pd.Series, text: str) -> str:
    return (
        f'<{tag} class="number">{text}</{tag}>' if pd.api.types.is_numeric_dtype(column) else f"<{tag}>{text}</{tag}>"
    )


def _text(value: Any) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def bullets(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>\n" for line in lines) + "</ul>"


def preformatted(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def figure(name: str, png: bytes, caption: str) -> str:
    """A picture, embedded in the page, above its caption."""
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}" id="{escape(name)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
