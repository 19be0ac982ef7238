"""Writes every generated file of the repository: `python -m tools`."""

from tools.generated import ROOT, generate_files

for name, text in generate_files().items():
    path = ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
