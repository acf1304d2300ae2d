"""Render docs/step.png, the picture in the README: a part of the page that `bpcli trace --html` writes.

    .venv/bin/python docs/make_picture.py

Requires the extra `test` and Chromium or Chrome, on the PATH or named by CHROME.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "step.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

STAGE = "Backward: layer 0"
NEURON = "neuron 0, layer 0"
FOCUS_ON_NEURON = """
    document.activeElement.blur();
    document.querySelectorAll("#lines > div:not(:first-child), #lines dt, #panel-hint").forEach(part => part.remove());
"""
"""Removes the focus ring, and everything in the panel but the arithmetic of the neuron itself."""
WIDTH = 860
"""CSS pixels: about the width of a README on GitHub, so that its letters are shown in their own size."""
MARGIN = 8
COLOURS = 96


def trace_page(folder: Path) -> Path:
    """Write the page of the first step of the textbook example."""
    page = folder / "step.html"
    command = [sys.executable, "-m", "bpcli", "trace", "configs/textbook.yaml", "--html", str(page)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return page


def screenshot(path: Path, browser: str) -> Image.Image:
    """Go to the stage, select the neuron, and take the drawing with the panel."""
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=browser) as chromium:
        page = chromium.new_page(viewport={"width": WIDTH, "height": 1000}, device_scale_factor=1.5)
        page.goto(path.as_uri())
        page.get_by_text("All 8 stages").click()
        page.get_by_role("button", name=STAGE).click()
        page.get_by_role("button", name=NEURON).click()
        page.evaluate(FOCUS_ON_NEURON)
        box = page.locator(".stage").bounding_box()
        assert box is not None
        top, height = box["y"] - MARGIN, box["height"] + 2 * MARGIN
        picture = page.screenshot(full_page=True, clip={"x": 0, "y": top, "width": WIDTH, "height": height})
    return Image.open(BytesIO(picture)).convert("RGB")


def main() -> None:
    """Write the picture with few colours, and print its size."""
    browser = os.environ.get("CHROME") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit("no browser found: apt-get install chromium, or set CHROME to the path of one")
    with tempfile.TemporaryDirectory() as folder:
        picture = screenshot(trace_page(Path(folder)), browser)
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(PICTURE, optimize=True)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
