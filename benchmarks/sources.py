"""Origin of each data set, and its part: most sources are for choosing defaults, the others confirm the choice.

Tables of one origin belong to one part, also if they have different names or come from different collections. A part
depends only on the name of the source, and thus does not change if data sets are added.
"""

import hashlib
import re
from fnmatch import fnmatchcase

#: choosing: may be looked at while defaults are chosen, about two thirds of the sources. confirming: the others.
PARTS = ("choosing", "confirming")
#: Normalized names of tables of one origin, by the name of the source; * matches any characters.
ALIASES = {
    "abalone": ("abalone*",),
    "creditapproval": ("australian", "crx"),
    "ecoli": ("ecoli*",),
    "forex": ("forex*",),
    "kdd": ("kdd*",),
    "landsat": ("landsat", "satellite", "satimage"),
    "thyroid": ("annthyroid", "thyroid"),
    "winequality": ("winequality*",),
    "wisconsin": ("wbc", "wdbc", "wpbc", "breastw*"),
}
#: Collection before a name: classification tables, OddBench, OvRBench, or a number of ADBench.
_COLLECTION = re.compile(r"^(cls-|odd-|ovr-|\d+_)")
#: Number of the anomalous class, or of a version, after a name.
_NUMBER = re.compile(r"[-_]\d+$")


def source(name: str) -> str:
    """Return the source of a data set, from its name."""
    bare = _NUMBER.sub("", _COLLECTION.sub("", name.casefold()))
    normalized = re.sub(r"[^a-z0-9]", "", bare) or name
    of_alias = (known for known, names in ALIASES.items() if any(fnmatchcase(normalized, n) for n in names))
    return next(of_alias, normalized)


def part(name: str) -> str:
    """Return the part of a data set: a third of all hashes of sources are for confirming."""
    digest = hashlib.sha256(source(name).encode()).digest()
    return PARTS[int.from_bytes(digest[:8], "big") % 3 == 0]
