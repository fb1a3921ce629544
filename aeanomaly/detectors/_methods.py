"""Renaming of inherited methods, for error messages that name the class of the user."""

from types import CellType, FunctionType

_PACKAGE = __name__.partition(".")[0]


def own_methods(cls: type) -> None:
    """Add copies of the public methods that a class inherits from this package.

    If a call has wrong arguments, the interpreter names the class that defines the method, as in
    ``BaseDetector.fit() missing 1 required positional argument``. For a copy it names the class of the detector.
    Classes outside of this package are not changed, because their own bases may define some of the methods.
    """
    if cls.__module__.partition(".")[0] != _PACKAGE:
        return
    for base in cls.__mro__[1:]:
        if base.__module__.partition(".")[0] != _PACKAGE:
            continue
        for name, method in vars(base).items():
            if isinstance(method, FunctionType) and not name.startswith("_") and name not in vars(cls):
                setattr(cls, name, _renamed(method, f"{cls.__qualname__}.{name}"))


def _renamed(method: FunctionType, name: str) -> FunctionType:
    inner, cells = getattr(method, "__wrapped__", None), method.__closure__
    if inner is not None and cells is not None:  # a decorator stores the wrapped method in a cell
        cells = tuple(CellType(_renamed(inner, name)) if cell.cell_contents is inner else cell for cell in cells)
    code = method.__code__.replace(co_qualname=name)
    renamed = FunctionType(code, method.__globals__, method.__name__, method.__defaults__, cells)
    renamed.__kwdefaults__, renamed.__dict__, renamed.__doc__ = method.__kwdefaults__, {**vars(method)}, method.__doc__
    renamed.__annotations__, renamed.__module__, renamed.__qualname__ = method.__annotations__, method.__module__, name
    return renamed
