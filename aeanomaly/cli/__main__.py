"""Entry point of ``python -m aeanomaly.cli``."""

from aeanomaly.cli import main

raise SystemExit(main())
