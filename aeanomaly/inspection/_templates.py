"""The templates of the report, which Jinja renders with escaping of all text."""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from aeanomaly._counts import counted
from aeanomaly.fitting import format_cell
from aeanomaly.inspection._text import cut, is_missing, number, percent, visible
from aeanomaly.thresholds.phrases import round_numbers

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> "Environment":
    """Load Jinja with the templates of this subpackage; raise an ImportError if it is not installed."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise ImportError("report needs jinja2; install it with: pip install 'aeanomaly[report]'") from error
    templates = Environment(
        loader=PackageLoader("aeanomaly.inspection"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    templates.filters.update(
        bar_width=_bar_width,
        cell=format_cell,
        count="{:,}".format,
        counted=counted,
        cut=_cut,
        number=number,
        percent=percent,
        round_numbers=round_numbers,
        visible=visible,
    )
    templates.tests["missing"] = is_missing
    return templates


def render(name: str, **values: Any) -> str:
    """Render a template as text; all values except markup of other templates are escaped."""
    return environment().get_template(f"{name}.html.jinja").render(values)


def _finalize(value: Any) -> Any:
    """Make control characters visible in each text that a template outputs; markup passes unchanged."""
    assert value is not None
    return value if hasattr(value, "__html__") else visible(value)


def _cut(text: Any, most: int) -> str:
    return cut(visible(text), most)


def _bar_width(share: float) -> str:
    """Return the width of a bar, in percent."""
    return f"{100 * min(max(float(np.nan_to_num(share)), 0.0), 1.0):.4g}"
