"""Pages (页面) for people, made here of the document itself: no script, nothing fetched from anywhere."""

from collections.abc import Iterator
from functools import lru_cache
from html import escape
from typing import Any

import msgspec

from api.language import text

_STYLE = """body{font:16px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
code,pre{font:14px/1.5 ui-monospace,monospace;background:#f5f3ee}pre{padding:.8rem;overflow:auto;max-height:24rem}
h2{border-top:1px solid #ccc;padding-top:1rem}h2 b{display:inline-block;min-width:5rem;color:#8a1c1c}
table{border-collapse:collapse}td{padding:.2rem .8rem .2rem 0;vertical-align:top}
button{font-size:1.1rem;padding:.5rem 1rem}"""


@lru_cache(maxsize=4)
def docs_page(document: bytes, language: str) -> str:
    """Every route with its policy, parameters, answers and examples."""
    said: dict[str, Any] = msgspec.json.decode(document)
    parts = [f"<h1>{escape(text('docs.title', language))}</h1><p>{escape(text('docs.whole', language))}</p>"]
    for path, methods in said["paths"].items():
        for method, operation in methods.items():
            parts += _operation(path, method, operation, language)
    return _page(text("docs.title", language), "".join(parts), language)


def link_page(language: str) -> str:
    """One sentence and one button."""
    inside = (
        f"<h1>金匮 Jingui</h1><p>{escape(text('link.once', language))}</p>"
        f'<form method="post"><button>{escape(text("link.button", language))}</button></form>'
    )
    return _page("金匮 Jingui", inside, language)


def _page(title: str, inside: str, language: str) -> str:
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="{language}"><head>{head}</head><body>{inside}</body></html>'


def _operation(path: str, method: str, operation: dict[str, Any], language: str) -> Iterator[str]:
    yield f"<h2><b>{method.upper()}</b> <code>{escape(path)}</code></h2><p>{escape(operation.get('summary', ''))}</p>"
    yield f"<p>{escape(text('docs.by', language))}: <code>{escape(operation['x-verb'])}</code></p>"
    if parameters := operation.get("parameters"):
        rows = "".join(
            f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
            f"<td>{escape(one.get('description', ''))}</td></tr>"
            for one in parameters
        )
        yield f"<h3>{escape(text('docs.parameters', language))}</h3><table>{rows}</table>"
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if "example" in content:
            yield _example(content["example"])
    yield f"<h3>{escape(text('docs.answers', language))}</h3><table>"
    for status, answer in operation["responses"].items():
        yield f"<tr><td><code>{status}</code></td><td>{escape(answer['description'])}</td></tr>"
    yield "</table>"
    for answer in operation["responses"].values():
        for content in answer.get("content", {}).values():
            if "example" in content:
                yield _example(content["example"])


def _example(value: object) -> str:
    return f"<pre>{escape(msgspec.json.format(msgspec.json.encode(value), indent=1).decode())}</pre>"
