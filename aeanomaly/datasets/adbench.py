"""Loader of the tables of ADBench, from a folder or by download."""

import difflib
import hashlib
import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

_URL = "https://github.com/Minqi824/ADBench/raw/main/adbench/datasets/"
#: File names in the folder `Classical` of the collection.
_CLASSICAL = """
1_ALOI 2_annthyroid 3_backdoor 4_breastw 5_campaign 6_cardio 7_Cardiotocography 8_celeba 9_census 10_cover 11_donors
12_fault 13_fraud 14_glass 15_Hepatitis 16_http 17_InternetAds 18_Ionosphere 19_landsat 20_letter 21_Lymphography
22_magic.gamma 23_mammography 24_mnist 25_musk 26_optdigits 27_PageBlocks 28_pendigits 29_Pima 30_satellite
31_satimage-2 32_shuttle 33_skin 34_smtp 35_SpamBase 36_speech 37_Stamps 38_thyroid 39_vertebral 40_vowels
41_Waveform 42_WBC 43_WDBC 44_Wilt 45_wine 46_WPBC 47_yeast
"""
#: Path in the collection -> sha256 of X (little-endian float64, row by row) followed by y (int64).
_CHECKSUMS = {
    "Classical/2_annthyroid": "5077d1b451e076c25796b8a70480ed8f7510fbb0d1236155ad957a6cb0bd4527",
    "Classical/4_breastw": "0af32721bbc6b810cac9c1b628efa99b7a02add808177952c56d222b8bb479d6",
    "Classical/5_campaign": "06935219c6cf7f5cf6ce743e43972da3f3ef20c5942ccb089659913c2d92a9ca",
    "Classical/6_cardio": "bfa5c5a339bf0d34bb1d0e1f0da6d80caffcce4a65fad50972bc986019d4e740",
    "Classical/11_donors": "d3fdd4cc0415342c67491347519250147f3dc0fcc481b0d26dbcf054d9574c7e",
    "Classical/12_fault": "109bf02c4b280e0ea317bda4d8454b32f75bb5f4ec511748944c5b63dff2bce0",
    "Classical/14_glass": "c6269ffd0a68a747e0bc7d9254c806d437f5a0b7f0da9d6da7478632766f364b",
    "Classical/18_Ionosphere": "f9f89590983d9c3c36e387af7be771d95feb7264a05c6dac873aff0b2bef493d",
    "Classical/19_landsat": "ced39734aa38759a3b08b7c2561fec33a9c622c6a8068c6ba9a26402aa386c6e",
    "Classical/20_letter": "33591e88c373df96ddb1f781dad14cc199832c8d33f4ce747632b7a07cf16e82",
    "Classical/23_mammography": "8660fe33f23e1a6f8e1e1956787403a52b7183c3ca071bbe9579939ad87f3ab3",
    "Classical/26_optdigits": "0414f0bcd0eff3888f151af8434d9b397a83c06fd58ba512c11b8a1f86846d8a",
    "Classical/27_PageBlocks": "277ebb0c63aff8dcac14855af19485ab7031ec280df4d5edd4d54e1630e1dc7b",
    "Classical/29_Pima": "193eceed7fa7e7b51b8f347b2b7be385c5d2725b7de4e4c040080c30d7f614da",
    "Classical/32_shuttle": "2993782d44e631e0565eb7ab5766bb4306764d9345af6916e3e42ea4486d359c",
    "Classical/33_skin": "1c02abc998cd87b6901b8eea520db70d450f3e2e14be096a927f5e0aceb53892",
    "Classical/37_Stamps": "ebe7c355dcab1493aa6bd17aa1cfe792a893c529dc524c4cf8b2b52bf7de6abb",
    "Classical/38_thyroid": "3ecac1a7c0f9a8c61b214c0def39757ca77923178f0ab14bcbce56955f863d21",
    "Classical/40_vowels": "efe8160d9a404fe7d7ebc44187584aa43079aa9496d5e82fc676bc3fe4456279",
    "Classical/41_Waveform": "fbbb3524a63c6f07c5fa6bde77f9c03133f7563b0990e3c03a2e42480a429b91",
    "Classical/42_WBC": "8e44b973a0d1b4d4ebaff738c386e832e325fd569c3a41331502c44ff0cc4784",
    "Classical/45_wine": "6dea9e73000cb5af1d05c20530170a26c4f231125a0774d3dd44f88565dff34f",
    "Classical/46_WPBC": "7e5500836e47b564e97c3963ad8824b395a4be34f957d39077a32ef0b3d09dd5",
    "NLP_by_BERT/20news_3": "adc770d230ce480a1966add1e7a04eb603d2b6aa591a93398973058dd45ea335",
}
#: Names of a table, with and without the leading number -> path in the collection.
_PATHS = {path.split("/")[1]: path for path in [*_CHECKSUMS, *(f"Classical/{name}" for name in _CLASSICAL.split())]}
_PATHS |= {re.sub(r"^\d+_", "", name): path for name, path in _PATHS.items()}
#: Errors of numpy for a file that is damaged or not an archive of arrays.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def load_adbench(name: str, *, data_home: str | os.PathLike[str] | None = None, return_X_y: bool = False) -> Any:
    """Load a table of the ADBench collection [1]_, which contains real tables with known anomalies.

    The file is searched in `data_home`, then in the folder of the environment variable ``AEANOMALY_DATA``, with and
    without the leading number of its name. If it is not found, it is downloaded once into the cache of pooch. Downloads
    are limited to the 24 tables with known checksums and need ``pip install 'aeanomaly[datasets]'``.

    Parameters
    ----------
    name : str
        Name of the table, such as "thyroid" or "38_thyroid". Any other ``.npz`` file in `data_home` can be named, too.
    data_home : path-like or None, default=None
        Folder of ``.npz`` files with X of shape (n_samples, n_features) and y of shape (n_samples,), 1 = anomaly.
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    bunch : Bunch
        `data` (n_samples, n_features) of float64, `target` (n_samples,) of int64 with 1 = anomaly, `target_names`,
        `DESCR`, `filename`.

    Raises
    ------
    ValueError
        If the table is unknown, the file does not contain X and y, or a download has a wrong checksum.
    LookupError
        If the table is known, but is neither in a folder nor available for download.
    ImportError
        If the table must be downloaded and pooch is not installed.
    OSError
        If the download fails.

    References
    ----------
    .. [1] Han, Hu, Huang, Jiang & Zhao (2022), ADBench: anomaly detection benchmark, NeurIPS.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from aeanomaly.datasets import load_adbench
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(Path(folder) / "38_thyroid.npz", X=np.eye(3), y=[0, 0, 1])
    ...     X, y = load_adbench("thyroid", data_home=folder, return_X_y=True)
    >>> X.shape, y.tolist()
    ((3, 3), [0, 0, 1])
    """
    if not isinstance(name, str) or not name or Path(name).name != name:
        raise ValueError(f"load_adbench: name must be the name of a table, such as 'thyroid', not a path; got {name!r}")
    path = _find_file(name, data_home)
    if path:
        X, y = _read_arrays(path)
    else:
        path = _download(name)
        X, y = _read_arrays(path)
        if _checksum(X, y) != _CHECKSUMS[_PATHS[name]]:
            raise ValueError(
                f"load_adbench: {path} does not have the checksum of {_PATHS[name]}; delete the file and call again, "
                "or pass its folder as data_home to use it without a check"
            )
    if return_X_y:
        return X, y
    about = f"{name} of ADBench ({_URL}): {len(y):,} rows, {X.shape[1]} columns, {y.sum():,} anomalies."
    return Bunch(data=X, target=y, target_names=["normal", "anomaly"], DESCR=about, filename=str(path))


def _find_file(name: str, data_home: str | os.PathLike[str] | None) -> Path | None:
    """Return the path of the file in one of the folders, or None."""
    folders = [folder for folder in (data_home, os.environ.get("AEANOMALY_DATA")) if folder]
    path = _PATHS.get(name)
    names = [name] if path is None else [name, *(other for other, its in _PATHS.items() if its == path)]
    files = (Path(folder) / f"{other}.npz" for folder in folders for other in names)
    return next((file for file in files if file.is_file()), None)


def _read_arrays(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            X, y = np.asarray(file["X"], dtype=np.float64), np.asarray(file["y"]).ravel()
    except _UNREADABLE as error:
        raise ValueError(
            f"load_adbench: {path} does not contain arrays X and y ({error}); replace it with a valid .npz file"
        ) from None
    if X.ndim != 2 or len(X) != len(y) or not np.isin(y, [0, 1]).all():
        raise ValueError(
            f"load_adbench: {path} must contain X of shape (n_samples, n_features) and y of n_samples zeros and ones; "
            f"got X of shape {X.shape} and y of shape {y.shape}; correct the file"
        )
    return X, y.astype(np.int64)


def _download(name: str) -> Path:
    if name not in _PATHS:
        raise ValueError(
            f"load_adbench: ADBench has no table {name!r}{_suggestion(name)}; to read your own file, put "
            f"{name}.npz into data_home or the folder $AEANOMALY_DATA"
        )
    path = f"{_PATHS[name]}.npz"
    if _PATHS[name] not in _CHECKSUMS:
        raise LookupError(
            f"load_adbench: {name}.npz is neither in data_home nor in the folder $AEANOMALY_DATA, and cannot be "
            f"downloaded because its checksum is unknown; download {_URL}{path} into one of these folders"
        )
    try:
        import pooch
    except ImportError:
        raise ImportError(
            f"load_adbench: {name}.npz is neither in data_home nor in the folder $AEANOMALY_DATA, and the "
            "download needs pooch; install it with: pip install 'aeanomaly[datasets]'"
        ) from None
    # The checksums are those of the values, not of the files; the caller verifies them.
    cache = pooch.create(path=pooch.os_cache("aeanomaly"), base_url=_URL, registry={path: None})
    try:
        return Path(cache.fetch(path))
    except OSError as error:
        raise OSError(
            f"load_adbench: {_URL}{path} could not be downloaded ({error}); connect to the network, or put {name}.npz "
            "into data_home or the folder $AEANOMALY_DATA"
        ) from error


def _suggestion(name: str) -> str:
    """Return a question that suggests similar names, or an empty text."""
    lower = {known.lower(): known for known in _PATHS}
    close = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=3)]
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""


def _checksum(X: np.ndarray, y: np.ndarray) -> str:
    """Return the checksum of the values, which does not depend on their types or on the file."""
    checksum = hashlib.sha256(np.ascontiguousarray(X, dtype="<f8").tobytes())
    checksum.update(y.astype("<i8").tobytes())
    return checksum.hexdigest()
