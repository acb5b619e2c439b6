"""``python -m qtsearch``: the command line of :mod:`qtsearch.cli`."""

import os
import sys

from qtsearch.cli import main


def run() -> None:
    """The command of the arguments, and the end of the process."""
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        raise SystemExit(code) from None  # Python says what of it can be said
    # The system frees at once what Python would take apart object by object: a tenth of a second after a
    # reindex.
    os._exit(code)


if __name__ == "__main__":
    run()
