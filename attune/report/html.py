"""The parts of a self-contained HTML page, which opens offline."""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

_FOLDER = Path(__file__).parent
_UNNAMED = 'aria-label="Table"'


@dataclass(frozen=True)
class Cell:
    """A table's cell: its HTML, and the number by which it is sorted, None for text."""

    html: str
    value: float | None = None


def page(title: str, sections: Sequence[tuple[str, str]]) -> str:
    """A page of (heading, HTML body) sections below a list of links to them; it loads nothing from elsewhere."""
    style, script = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    links = "".join(f'<li><a href="#{anchor(name)}">{escape(name)}</a></li>' for name, _ in sections)
    parts = "".join(
        f'<h2 id="{anchor(name)}">{escape(name)}</h2>\n{_labelled(body, name)}\n' for name, body in sections
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>\n{style}</style></head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n"
        f'<nav aria-label="Contents"><ul>{links}</ul></nav>\n{parts}</main>\n<script>\n{script}</script>\n</body>\n'
        "</html>\n"
    )


def anchor(heading: str) -> str:
    """The id of a section: its heading in lower case, with hyphens."""
    return re.sub(r"\W+", "-", heading.lower()).strip("-")


def table(rows: pd.DataFrame) -> str:
    """An HTML table, to be sorted by any column where the page's script runs.

    Numbers are right-aligned, fractions have three decimals, missing values are empty; a `Cell` stands as it is. Text
    in the first column names its row.
    """
    if rows.empty:
        return "<p>none</p>"
    numeric = {name: _is_numeric(rows[name]) for name in rows.columns}
    first = rows.columns[0]
    head = "".join(
        _tag("th", escape(str(name)), numeric[name], ' scope="col"') if name else "<td></td>" for name in rows.columns
    )
    body = "".join(
        "<tr>" + "".join(_cell(row[name], numeric[name], name == first) for name in rows.columns) + "</tr>\n"
        for row in rows.to_dict("records")
    )
    return (
        f'<div><div class="wide" role="group" {_UNNAMED} tabindex="0">'
        f'<table class="sortable"><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div></div>'
    )


def _labelled(body: str, title: str) -> str:
    """`body` with its tables named after what they stand in, unless an inner part has named them."""
    return body.replace(_UNNAMED, f'aria-label="{escape(title)}"')


def _is_numeric(column: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(column):
        return True
    return any(isinstance(each, Cell) and each.value is not None for each in column)


def _cell(value: Any, numeric: bool, first: bool) -> str:
    html, number = (value.html, value.value) if isinstance(value, Cell) else (escape(_text(value)), None)
    if first and html and not numeric:
        return _tag("th", html, numeric, ' scope="row"')
    return _tag("td", html, numeric, "" if number is None else f' data-value="{number:.6g}"')


def _tag(tag: str, content: str, numeric: bool, attributes: str = "") -> str:
    style = ' class="number"' if numeric else ""
    return f"<{tag}{style}{attributes}>{content}</{tag}>"


def _text(value: Any) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def folded(summary: str, body: str) -> str:
    """`body`, hidden until its summary is clicked."""
    return f"<details><summary>{escape(summary)}</summary>\n{_labelled(body, summary)}\n</details>"


def with_interval(number: str, interval: str) -> str:
    """A number's HTML, and in small print beside it the text of its interval."""
    return f'{number} <span class="interval">{interval}</span>'


def bullets(lines: Iterable[str], style: str = "") -> str:
    attribute = f' class="{style}"' if style else ""
    return f"<ul{attribute}>" + "".join(f"<li>{_told(line)}</li>\n" for line in lines) + "</ul>"


def about(text: str) -> str:
    """A paragraph that explains what follows."""
    return f'<p class="about">{_told(text)}</p>'


def _told(text: str) -> str:
    """Plain text as HTML, in which `names` in backticks are code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def preformatted(text: str) -> str:
    return f'<pre tabindex="0">{escape(text)}</pre>'


def figure(name: str, png: bytes, caption: str, style: str = "") -> str:
    """A picture, embedded in the page, above its caption, whose first sentence stands for it where it is not seen."""
    data = base64.b64encode(png).decode("ascii")
    attribute, alt = f' class="{style}"' if style else "", caption.partition(". ")[0]
    return (
        f'<figure{attribute}><img alt="{escape(alt)}" src="data:image/png;base64,{data}" id="{escape(name)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
