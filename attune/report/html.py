"""One self-contained page: summary, figures, tables, replies, parameters, data and environment. It opens offline."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.metadata import version
from platform import python_version
from typing import Any

import pyarrow as pa

PACKAGES = (
    "torch", "transformers", "peft", "sentence-transformers", "faiss-cpu", "datasets", "scikit-learn", "sacrebleu",
    "bm25s", "numpy", "pandas", "matplotlib", "dvc",
)  # fmt: skip
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
    """HTML of (heading, body) sections with a list of links; nothing in it is fetched from anywhere."""
    links = "".join(f'<a href="#s{at}">{escape(name)}</a>' for at, (name, _) in enumerate(sections))
    parts = "".join(f'<h2 id="s{at}">{escape(name)}</h2>\n{body}\n' for at, (name, body) in enumerate(sections))
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f"<nav>{links}</nav>\n{parts}</body>\n</html>\n"
    )


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """An HTML table with the columns of the first row; numbers on the right, None as an empty cell."""
    if not rows:
        return "<p>none</p>"
    numeric = {name: all(isinstance(row[name], int | float | None) for row in rows) for name in rows[0]}

    def cell(tag: str, name: str, text: str) -> str:
        return f'<{tag} class="number">{text}</{tag}>' if numeric[name] else f"<{tag}>{text}</{tag}>"

    head = "".join(cell("th", name, escape(name)) for name in rows[0])
    body = "".join(
        "<tr>" + "".join(cell("td", name, escape(_shown(row[name]))) for name in rows[0]) + "</tr>\n" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def paragraphs(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>\n" for line in lines) + "</ul>"


def preformatted(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def figure(name: str, png: bytes, caption: str) -> str:
    """The picture itself, inside the page."""
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}" id="{escape(name)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def replies(rows: Sequence[Mapping[str, Any]], most: int) -> str:
    """The first `most` prompts, each with its target and what every system replied (rows of side by side)."""
    parts = []
    for row in rows[:most]:
        answers = [{"system": name, "reply": text} for name, text in row.items() if name not in ("id", "prompt")]
        parts.append(f"<blockquote>{escape(row['prompt'])}</blockquote>\n{table(answers)}")
    return "\n".join(parts)


COLUMNS = ("id", "prompt", "target")  # of the table of replies, before the systems


def side_by_side(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The second report's table: a row a prompt, a column a system (rows of `schemas.SCORED` with `system`)."""
    found: dict[str, dict[str, Any]] = {}
    systems: dict[str, None] = {}
    for row in rows:
        if row["reply"] is not None:
            systems[row["system"]] = None
            own = found.setdefault(row["id"], {"id": row["id"], "prompt": row["prompt"], "target": row["target"]})
            own[row["system"]] = row["reply"]
    return [{**dict.fromkeys((*COLUMNS, *systems)), **row} for row in found.values()]


def schema(table: Sequence[Mapping[str, Any]]) -> pa.Schema:
    """Of the table of replies, whose systems are columns: texts all."""
    return pa.schema([(name, pa.string()) for name in (table[0] if table else COLUMNS)])


def environment() -> list[dict[str, str]]:
    return [{"package": "python", "version": python_version()}] + [
        {"package": name, "version": version(name)} for name in PACKAGES
    ]
