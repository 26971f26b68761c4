"""`python -m mincache`: the command line."""

from mincache.cli.main import main

if __name__ == "__main__":
    main()
