"""Write the ZIPs of header-only files that the pages offer: the same that ``rosterbridge templates`` writes."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import get_args

from rosterbridge.roster.templates import TemplateName, template_files

FOLDER = Path(__file__).parent / "public" / "templates"


def main() -> None:
    """Write a ZIP for each format; the same files always make the same bytes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in get_args(TemplateName):
        with zipfile.ZipFile(FOLDER / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for file, text in template_files(name).items():
                archive.writestr(zipfile.ZipInfo(file), text)


if __name__ == "__main__":
    main()
