"""What every page is: one HTML document that asks nothing of any other file or place."""

from __future__ import annotations

from importlib.resources import files

from bpcli.pages.charts import text


def html_document(title: str, body: str, style: str, script: str) -> str:
    """A document of this body, which carries the style sheet of all pages, one of its own, and a script."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{text(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<style>\n{carried('frame.css')}{style}</style>\n</head>\n<body>\n{body}"
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )


def carried(name: str, package: str = "bpcli.pages") -> str:
    """A style sheet or script that stands beside the modules of a package."""
    return (files(package) / name).read_text(encoding="utf-8")
