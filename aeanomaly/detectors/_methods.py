"""Methods that a class inherits, under the name of the class."""

from types import CellType, FunctionType

_PACKAGE = __name__.partition(".")[0]


def own_methods(cls: type) -> None:
    """Give a class copies of the public methods that it inherits from this package.

    For a call with wrong arguments the interpreter names the class in which a method was written,
    ``BaseDetector.fit() missing 1 required positional argument``; of a copy it names the class that a user knows.
    A subclass of a user is left alone: its own bases may define some of the methods.
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
    if inner is not None and cells is not None:  # a decorator keeps the method that it calls in a cell
        cells = tuple(CellType(_renamed(inner, name)) if cell.cell_contents is inner else cell for cell in cells)
    code = method.__code__.replace(co_qualname=name)
    renamed = FunctionType(code, method.__globals__, method.__name__, method.__defaults__, cells)
    renamed.__kwdefaults__, renamed.__dict__, renamed.__doc__ = method.__kwdefaults__, {**vars(method)}, method.__doc__
    renamed.__annotations__, renamed.__module__, renamed.__qualname__ = method.__annotations__, method.__module__, name
    return renamed
