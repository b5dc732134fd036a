"""Run the command line with ``python -m jibu``."""

from jibu.cli import main

if __name__ == "__main__":
    main()
