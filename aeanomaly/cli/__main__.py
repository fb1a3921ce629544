"""``python -m aeanomaly.cli`` is ``aeanomaly``."""

from aeanomaly.cli import main

raise SystemExit(main())
