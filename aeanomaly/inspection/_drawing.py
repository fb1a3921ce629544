"""Functions that all displays share: import of matplotlib, colors, and text for axes."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.fitting import format_cell
from aeanomaly.inspection._text import cut_names, label_text

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
    return texts_of([name], most)[0]


def texts_of(names: Iterable[Any], most: int = _MAX_NAME_LENGTH) -> list[str]:
    """Format names for matplotlib; names that differ remain different after they are shortened, if possible."""
    lines = [" ".join(label_text(name).encode("utf-8", "backslashreplace").decode().split()) for name in names]
    return [text.replace("$", r"\$") for text in cut_names(lines, most)]


def density_alpha(n_points: int) -> float:
    """Return an opacity for points: dense points are more transparent, so that the rows below them are visible."""
    return float(np.clip(7 / np.sqrt(max(n_points, 1)), 0.2, 0.9))


def ground(ax: Any) -> dict[str, Any]:
    """Return the style of a background on which text is readable above points and lines."""
    return {"facecolor": ax.get_facecolor(), "edgecolor": "none", "alpha": 0.75, "pad": 0.7}


def cell_text(value: Any) -> str:
    """Format a cell of a table."""
    return "missing" if pd.isna(value) else text_of(format_cell(value))


def number_text(value: float) -> str:
    """Format a number for a title or a bar, with a typographic minus sign."""
    large = abs(value) >= 1e6
    text = f"{value:.3g}" if large or abs(value) < 1000 else f"{value:,.0f}"
    return text.replace("-", "\N{MINUS SIGN}")


def share_text(share: Any) -> str:
    """Format a share as a percentage: 0.021 -> 2.1%."""
    return f"{100 * share:.3g}%"


def set_ticks(axis: Any, low: float, high: float, unit: float | None = None) -> None:
    """Set a few ticks with plain numbers on a logarithmic or symmetric logarithmic axis.

    An axis with a `unit` is linear between minus and plus the unit.
    """
    least, most = (low if unit is None else unit), max(abs(low), abs(high))
    powers = np.arange(np.floor(np.log10(least)), np.ceil(np.log10(most)) + 1)
    powers = powers[:: max(1, len(powers) // 4)]
    decades = np.log10(most / least) if unit is None else np.inf
    coarse = [1] if decades > 3 else [1, 3] if decades > 1.5 else [1, 2, 5]
    for steps in (coarse, [1, 3], [1, 2, 5]):  # a short axis may contain a single power of ten
        ticks = np.outer(10.0**powers, steps).ravel()
        ticks = ticks if unit is None else np.concatenate([-ticks[::-1], [0.0], ticks])
        ticks = ticks[(ticks >= low) & (ticks <= high) & ((ticks == 0) | (np.abs(ticks) >= least))]
        if len(ticks) >= 3:
            break
    axis.set_ticks(ticks, labels=[f"{tick:g}".replace("-", "\N{MINUS SIGN}") for tick in ticks])
    axis.set_ticks([], minor=True)
