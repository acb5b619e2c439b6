"""``python -m qtsearch``: the command line of :mod:`qtsearch.cli`."""

from qtsearch.cli import main

raise SystemExit(main())
