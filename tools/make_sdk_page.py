"""Write docs/sdk.md again, from real runs of the OpenAI SDK against the simulator (about a minute, loopback only).

tests/e2e/test_openai_sdk.py compares the page with fresh runs, row by row.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.sdk_page import PAGE, written

if __name__ == "__main__":
    PAGE.write_text(written(), "utf-8")
