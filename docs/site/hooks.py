"""What the site adds to docs/: documents from the top of the repository, and links out of docs/."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)")

log = get_plugin_logger(__name__)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents that lie at the top of the repository, where GitHub expects them."""
    for name in DOCUMENTS:
        files.append(File.generated(config, name, content=(ROOT / name).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to files that are not part of the site to the repository instead."""
    folder = ROOT if page.file.src_uri in DOCUMENTS else ROOT / "docs"

    def moved(match: re.Match[str]) -> str:
        target = (folder / match[0]).resolve()
        if not target.exists() or not target.is_relative_to(ROOT):
            log.warning(f"{page.file.src_uri} links to {match[0]}, which is not there")
            return match[0]
        path = target.relative_to(ROOT).as_posix()
        if path in DOCUMENTS or target.is_relative_to(ROOT / "docs"):
            return path.removeprefix("docs/")
        return f"{config.repo_url}/{'tree' if target.is_dir() else 'blob'}/main/{path}"

    return LINK.sub(moved, markdown)
