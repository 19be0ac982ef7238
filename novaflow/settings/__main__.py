"""Writes .env.example: ``python -m novaflow.settings > .env.example``."""

import sys

from novaflow.settings.example import write_example

if __name__ == "__main__":
    sys.stdout.write(write_example())
