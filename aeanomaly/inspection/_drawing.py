"""Functions that all displays share: import of matplotlib, colors, and text for axes."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.fitting import format_cell

#: Colors that remain distinct under color blindness (Okabe & Ito 2008).
BLUE, ORANGE, GREY, BLACK = "#0072B2", "#D55E00", "#999999", "#000000"
#: Maximum number of characters of a name on an axis.
_MAX_NAME_LENGTH = 24


def pyplot(caller: str) -> Any:
    """Import and return matplotlib.pyplot."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f"{caller} needs matplotlib; install it with: pip install 'aeanomaly[plot]'") from error
    return plt


class Display:
    """Base class of displays."""

    ax_: Any
    figure_: Any

    def _new_axes(self, ax: Any, **figure: Any) -> Any:
        """Set and return the axes to draw on, new ones if `ax` is None."""
        plt = pyplot(f"{type(self).__name__}.plot")
        if ax is None:
            _, ax = plt.subplots(layout="constrained", **figure)
        self.ax_, self.figure_ = ax, ax.figure
        return ax


def text_of(name: Any, most: int = _MAX_NAME_LENGTH) -> str:
    """Format a name for matplotlib: shortened, with escaped dollar signs and unpaired surrogates."""
    text = " ".join(str(name).encode("utf-8", "backslashreplace").decode().split())
    text = text if len(text) <= most else f"{text[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
    return text.replace("$", r"\$")


def cell_text(value: Any) -> str:
    """Format a cell of a table."""
    return "missing" if pd.isna(value) else text_of(format_cell(value))


def number_text(value: float) -> str:
    """Format a number for a title or a bar, with a typographic minus sign."""
    large = abs(value) >= 1e6
    text = f"{value:.3g}" if large or abs(value) < 1000 else f"{value:,.0f}"
    return text.replace("-", "\N{MINUS SIGN}")


def share_text(share: Any) -> str:
    """Format a share as a percentage: 0.021 -> 2.1 %."""
    return f"{100 * share:.3g} %"


def set_ticks(axis: Any, low: float, high: float, unit: float | None = None) -> None:
    """Set a few ticks with plain numbers on a logarithmic or symmetric logarithmic axis.

    An axis with a `unit` is linear between minus and plus the unit.
    """
    least, most = (low if unit is None else unit), max(abs(low), abs(high))
    powers = np.arange(np.floor(np.log10(least)), np.ceil(np.log10(most)) + 1)
    powers = powers[:: max(1, len(powers) // 4)]
    decades = np.log10(most / least) if unit is None else np.inf
    steps = np.array([1, 2, 5] if decades <= 1.5 else [1, 3] if decades <= 3 else [1])
    ticks = np.outer(10.0**powers, steps).ravel()
    ticks = ticks if unit is None else np.concatenate([-ticks[::-1], [0.0], ticks])
    ticks = ticks[(ticks == 0) | ((ticks >= low) & (ticks <= high) & (np.abs(ticks) >= least))]
    axis.set_ticks(ticks, labels=[f"{tick:g}".replace("-", "\N{MINUS SIGN}") for tick in ticks])
    axis.set_ticks([], minor=True)
