"""``python -m oco``."""

from oco.cli import main

if __name__ == "__main__":
    main(prog_name="oco")
