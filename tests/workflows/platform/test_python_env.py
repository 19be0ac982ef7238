"""Virtual environments: requirements with hashes, modules of components, links to system modules."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.errors import ProgramFailed
from novaflow.model.step import Skipped
from workflows.platform.detect import find_distribution
from workflows.platform.python_env import install_requirements, link_modules, read_pins
from workflows.platform.requirements import PythonModule

pytestmark = pytest.mark.slow

MakeContext = Callable[..., NodeContext]


def write_requirements(folder: Path, name: str) -> Path:
    """Write a wheel with one module, and the requirements file that installs it from its folder; return the file."""
    folder.mkdir(exist_ok=True)
    wheel, info = folder / f"{name}-1-py3-none-any.whl", f"{name}-1.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}.py", f"NAME = {name!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    file = folder / f"{name}.txt"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    file.write_text(f"--no-index\n--find-links {folder}\n{name}==1 \\\n    --hash=sha256:{digest}\n")
    return file


async def run_python(ctx: NodeContext, code: str) -> str:
    """Run code in the stack's virtual environment and return what it prints."""
    return (await ctx.run(ctx.paths.venv / "bin" / "python", "-c", code)).strip()


async def test_requirements_of_several_components_are_installed_together(make_context: MakeContext, tmp_path: Path) -> None:
    """Each package of each file can be imported; a second time nothing is done, and a further file is added."""
    ctx = make_context()
    first, second = (write_requirements(tmp_path / "wheels", name) for name in ("nf_one", "nf_two"))
    done = await install_requirements(ctx, ctx.paths.venv, (first,))
    assert done == "1 packages, each verified by its hash"
    assert await install_requirements(ctx, ctx.paths.venv, (first,)) == Skipped("all packages are installed in the pinned versions")
    assert await install_requirements(ctx, ctx.paths.venv, (first, second)) == "2 packages, each verified by its hash"
    assert await run_python(ctx, "import nf_one, nf_two; print(nf_one.NAME, nf_two.NAME)") == "nf_one nf_two"


async def test_a_package_with_another_hash_is_rejected(make_context: MakeContext, tmp_path: Path) -> None:
    """It is not installed."""
    ctx = make_context()
    file = write_requirements(tmp_path / "wheels", "nf_one")
    file.write_text(file.read_text().partition("sha256:")[0] + f"sha256:{'0' * 64}\n")
    with pytest.raises(ProgramFailed, match="uv"):
        await install_requirements(ctx, ctx.paths.venv, (file,))


async def test_a_module_of_a_component_is_installed_with_its_entry_points(make_context: MakeContext, tmp_path: Path) -> None:
    """Other packages find it by the group of its entry point, as SQLAlchemy finds plugins."""
    source = tmp_path / "plugin.py"
    source.write_text("class Plugin: pass\n")
    ctx = make_context(PythonModule("nf_plugin", source, "[nf.plugins]\nmine = nf_plugin:Plugin\n"))
    await install_requirements(ctx, ctx.paths.venv, (write_requirements(tmp_path / "wheels", "nf_one"),))
    code = "from importlib.metadata import entry_points; (one,) = entry_points(group='nf.plugins'); print(one.name, one.load().__name__)"
    assert await run_python(ctx, code) == "mine Plugin"


async def test_a_module_of_the_system_is_linked(make_context: MakeContext, tmp_path: Path) -> None:
    """The environment can import it afterwards; a second time nothing is done."""
    modules = find_distribution().path("python-modules")
    name = next((path.stem for path in modules.glob("*.py") if path.stem in {"six", "typing_extensions", "ceph_argparse"}), None)
    if name is None:
        pytest.skip(f"{modules} has no module that imports nothing else")
    ctx = make_context()
    await install_requirements(ctx, ctx.paths.venv, (write_requirements(tmp_path / "wheels", "nf_one"),))
    assert await link_modules(ctx, f"{name}.py", proof=name) == f"linked {name}.py"
    assert await link_modules(ctx, f"{name}.py", proof=name) == Skipped("already linked")
    assert await run_python(ctx, f"import {name}; print({name}.__file__)") != ""


def test_pins_are_read_from_a_requirements_file() -> None:
    """Hashes and comments are ignored."""
    text = "# comment==1\nnova==34.0.0 \\\n    --hash=sha256:aa\noslo.db==18.1.0 \\\n    --hash=sha256:bb\n"
    assert read_pins(text) == {"nova": "34.0.0", "oslo.db": "18.1.0"}
