"""``python -m tests.screenshots [NAME...]``: takes all pictures again, or those named."""

from __future__ import annotations

import sys

from playwright.sync_api import sync_playwright

from infra import facts
from tests.e2e.browser import FLAGS, chromium
from tests.screenshots.scene import lake
from tests.screenshots.shots import SHOTS

FOLDER = facts.ROOT / "assets" / "screenshots"
MOST_BYTES = 300_000


def main(wanted: list[str]) -> int:
    """Take the pictures; returns the exit status."""
    path = chromium()
    unknown = set(wanted) - {shot.name for shot in SHOTS}
    if path is None or unknown:
        print(
            f"no picture is called {', '.join(sorted(unknown))}" if unknown else "chromium is needed", file=sys.stderr
        )
        return 2
    FOLDER.mkdir(exist_ok=True)
    with lake() as scene, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for shot in SHOTS:
            if wanted and shot.name not in wanted:
                continue
            page = shot.bring(browser, scene)
            size = page.viewport_size or {"width": 1280, "height": 0}
            page.set_viewport_size({"width": size["width"], "height": shot.height})
            page.evaluate("document.fonts.ready")
            picture = FOLDER / f"{shot.name}.png"
            picture.write_bytes(page.screenshot(animations="disabled"))
            page.close()
            if picture.stat().st_size > MOST_BYTES:
                print(f"{picture.name} has {picture.stat().st_size:,} bytes, more than {MOST_BYTES:,}", file=sys.stderr)
                return 1
            print(f"{picture.relative_to(facts.ROOT)}  {picture.stat().st_size:,} bytes")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
