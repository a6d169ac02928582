"""``python -m hopslab``."""

from hopslab.cli import main

if __name__ == "__main__":
    main()
