"""The site builds without a warning and loads nothing from other hosts."""

# ruff: noqa: S603, TID251 - the environment is what the builder needs

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
IN_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""")
LOADED = re.compile(r'<(?:script|img|iframe)\b[^>]*\bsrc="(https?:)?//|<link\b[^>]*\brel="(?!canonical)[^>]*\bhref="(https?:)?//')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site; a warning of the builder is an error."""
    folder = tmp_path_factory.mktemp("site")
    environment = {"PATH": os.defpath, "HOME": str(folder), "NO_MKDOCS_2_WARNING": "1"}
    argv = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder / "html")]
    built = subprocess.run(argv, capture_output=True, check=False, cwd=ROOT, env=environment, text=True, timeout=280)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "WARNING" not in built.stderr
    return folder / "html"


def test_every_page_is_in_the_site(site: Path) -> None:
    """Each Markdown file below docs/ becomes a page."""
    sources = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    expected = {source.with_name("index.html") if source.name == "README.md" else source.with_suffix(".html") for source in sources}
    assert expected <= {path.relative_to(site) for path in site.rglob("*.html")}


def test_every_page_is_listed_on_the_first_page(site: Path) -> None:
    """The contents on the first page name each page, but only the index of the decisions."""
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    listed = {Path(target) for target in re.findall(r"\]\(([^)#]+\.md)\)", (ROOT / "docs/index.md").read_text())}
    assert pages - listed == {Path("index.md"), *(page for page in pages if page.match("adr/0*.md"))}
    assert (site / "index.html").exists()


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    """Fonts, scripts, images and styles come with the site."""
    pages = [*site.rglob("*.html")]
    assert pages
    assert [page.name for page in pages if LOADED.search(page.read_text())] == []
    assert [sheet.name for sheet in site.rglob("*.css") if IN_STYLES.search(sheet.read_text())] == []
    # Material loads a script from another host for each element of this class.
    assert [page.name for page in pages if re.search(r'class="[^"]*\bmermaid\b', page.read_text())] == []


def test_the_api_is_described_from_docstrings(site: Path) -> None:
    """The reference contains the public functions and classes."""
    page = (site / "reference/api.html").read_text()
    for name in ("novaflow.events.subscribe.subscribe", "novaflow.model.component.Component", "novaflow.errors.NotReady"):
        assert f'id="{name}"' in page


def test_a_value_is_described_with_its_fields(site: Path) -> None:
    """The signature of a dataclass has the names of its fields and their defaults."""
    text = re.sub(r"<[^>]+>", "", (site / "reference/api.html").read_text())
    signature = re.search(r"\bService\(\n(.*?)\n\)", text, re.DOTALL)
    assert signature
    assert "ready: Probe" in signature[1]
    assert "grace_s: float = 5" in signature[1]
