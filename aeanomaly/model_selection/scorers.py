"""All scorers, and the default."""

from aeanomaly.model_selection.volume import excess_mass

DEFAULT_SCORING = excess_mass
