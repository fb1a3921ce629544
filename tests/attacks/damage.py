"""Damage to model files, by accident and by an attacker who knows the format."""

import hashlib
import io
import json
import pickle
import struct
import time
import warnings
import zipfile

import numpy as np

import aeanomaly

MANIFEST, WEIGHTS, SUMS = "manifest.json", "weights.safetensors", "SHA256SUMS"

#: What a leaf of the manifest may be replaced by.
_STRANGE = [
    None, True, False, 0, 1, -1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, 5e-324, "", "auto", "x" * 999, "\u001b[2J\r\n",
    "../../etc/passwd", "__import__('os').system('true')", "cuda:99", "nan", [], {}, [[]], [None] * 1000,
    [2**40], [1] * 100_000, {"object": "Popen", "fields": {"args": "true"}}, {"tuple": [1, 2]}, {"dict": {}},
    {"object": "Contamination", "fields": {"fraction": 7}}, {"object": "Conformal", "fields": {"alpha": "nan"}},
]  # fmt: skip


class Payload:
    """An object whose unpickling would leave a trace: an attribute of this class."""

    ran = False

    def __reduce__(self):
        return _run, ()


def _run():
    Payload.ran = True
    return {}


def opened(path, content):
    """Write and load a file; return the model or None, and the seconds of loading."""
    path.write_bytes(content)
    begun = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = aeanomaly.load(path)
    except aeanomaly.ModelFileError as refused:
        model, told = None, str(refused)
    seconds = time.perf_counter() - begun
    assert model is not None or (str(path) in told and len(told) < 600 and told.isprintable())
    return model, seconds


def parts_of(original: bytes) -> dict[str, bytes]:
    """Members of a model file."""
    with zipfile.ZipFile(io.BytesIO(original)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A model file of a manifest and weights, its checksums as they should be."""
    named = [(name, parts[name]) for name in (MANIFEST, WEIGHTS)]
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in named)
    return zipped([*named, (SUMS, sums.encode())], compression)


def zipped(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of any members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, compression)
    return buffer.getvalue()


def accidents(original: bytes, rng: np.random.Generator):
    """Yield damaged copies forever: flipped, changed, cut, doubled, moved, zeroed or foreign pieces."""
    size = len(original)
    while True:
        damaged = bytearray(original)
        start, stop = (int(place) for place in np.sort(rng.integers(0, size, size=2)))
        length = int(rng.integers(1, 40))
        match rng.integers(9):
            case 0:
                damaged[start] ^= 1 << int(rng.integers(8))
            case 1:
                for place in rng.integers(0, size, size=8):
                    damaged[place] = int(rng.integers(256))
            case 2:
                del damaged[start : start + length]
            case 3:
                damaged[start:start] = rng.bytes(length)
            case 4:
                damaged[start : start + 16] = bytes(len(damaged[start : start + 16]))
            case 5:
                damaged[stop : stop + length] = damaged[start : start + length]
            case 6:
                damaged = damaged[:start]
            case 7:
                damaged += damaged[start:stop]
            case 8:  # the directory at the end, where every byte means something
                damaged[size - 1 - int(rng.integers(250))] = int(rng.integers(256))
        yield bytes(damaged)


def lies(original: bytes, rng: np.random.Generator):
    """Yield copies forever, of which manifest or tensors were changed and the checksums made to agree."""
    parts = parts_of(original)
    while True:
        manifest, weights = parts[MANIFEST], parts[WEIGHTS]
        if rng.integers(2):
            manifest = _lying_manifest(json.loads(manifest), rng)
        else:
            weights = _lying_tensors(weights, rng)
        yield packed({MANIFEST: manifest, WEIGHTS: weights})


def _lying_manifest(manifest: dict, rng: np.random.Generator) -> bytes:
    places = list(_places(manifest))
    for _ in range(int(rng.integers(1, 3))):
        holder, key = places[int(rng.integers(len(places)))]
        match rng.integers(4):
            case 0 | 1:
                if not isinstance(holder, list) or key < len(holder):
                    holder[key] = _STRANGE[int(rng.integers(len(_STRANGE)))]
            case 2 if isinstance(holder, dict):
                holder.pop(key, None)
            case 2:
                holder.extend(holder[:])
            case 3 if isinstance(holder, dict):
                holder[f"{key}_"] = holder.get(key)
            case 3:
                del holder[:1]
    return json.dumps(manifest).encode()


def _places(value):
    """Every place of a tree of lists and dicts, as what holds it and its key there."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def _lying_tensors(weights: bytes, rng: np.random.Generator) -> bytes:
    length = struct.unpack("<Q", weights[:8])[0]
    header, data = json.loads(weights[8 : 8 + length]), bytearray(weights[8 + length :])
    names = [name for name in header if name != "__metadata__"]
    name = names[int(rng.integers(len(names)))]
    entry = header[name]
    start, stop = entry["data_offsets"]
    match rng.integers(9):
        case 0:
            entry["shape"] = [2**40, 2**20]
        case 1:
            entry["shape"] = [0, *entry["shape"]]
            entry["data_offsets"] = [start, start]
        case 2:
            entry["dtype"] = ["F16", "BF16", "I64", "BOOL", "F64", "F8_E4M3", "nothing"][int(rng.integers(7))]
        case 3:
            entry["data_offsets"] = [start, 2**62]
        case 4:
            del header[name]
        case 5:
            header[f"{name}.twin"] = dict(entry)
        case 6 if stop > start and entry["dtype"] in ("F32", "F64"):
            kind = np.dtype({"F32": "<f4", "F64": "<f8"}[entry["dtype"]])
            place = start + kind.itemsize * int(rng.integers((stop - start) // kind.itemsize))
            bad = [np.nan, np.inf, -np.inf, 1e30, -1.0, 0.0][int(rng.integers(6))]
            data[place : place + kind.itemsize] = kind.type(bad).tobytes()
        case 7:
            entry["shape"] = entry["shape"][::-1]
        case 8:
            data = data[: len(data) // 2]
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data)


def traps(original: bytes):
    """Yield (name, bytes) of archives that only an attacker would make."""
    parts = parts_of(original)
    manifest, weights, sums = (parts[name] for name in (MANIFEST, WEIGHTS, SUMS))
    yield "compressed", packed(parts, zipfile.ZIP_DEFLATED)
    yield "bomb", packed({MANIFEST: manifest, WEIGHTS: bytes(1 << 27)}, zipfile.ZIP_DEFLATED)
    yield "bzip2", packed(parts, zipfile.ZIP_BZIP2)
    yield "one member", zipped([(MANIFEST, manifest)])
    yield "one more", zipped([*parts.items(), ("notes.txt", b"")])
    yield "a path upwards", zipped([("../" + MANIFEST, manifest), (WEIGHTS, weights), (SUMS, sums)])
    yield "an absolute path", zipped([("/" + MANIFEST, manifest), (WEIGHTS, weights), (SUMS, sums)])
    yield "a folder", zipped([(MANIFEST + "/", b""), (WEIGHTS, weights), (SUMS, sums)])
    yield "another case", zipped([(MANIFEST.upper(), manifest), (WEIGHTS, weights), (SUMS, sums)])
    yield "no checksums", zipped([(MANIFEST, manifest), (WEIGHTS, weights), (SUMS, b"")])
    yield "a pickle for weights", packed({MANIFEST: manifest, WEIGHTS: pickle.dumps(Payload())})
    yield "a pickle for a manifest", packed({MANIFEST: pickle.dumps(Payload()), WEIGHTS: weights})
    yield "a pickle", pickle.dumps(Payload())
    yield "deep JSON", packed({MANIFEST: b'{"format": 1, "a": ' + b"[" * 10**6 + b"]" * 10**6 + b"}", WEIGHTS: weights})
    yield "deep JSON that does not end", packed({MANIFEST: b"[" * 10**6, WEIGHTS: weights})
    yield "endless digits", packed({MANIFEST: b'{"format": ' + b"9" * 10**6 + b"}", WEIGHTS: weights})
    yield "a long header of tensors", packed({MANIFEST: manifest, WEIGHTS: struct.pack("<Q", 2**63) + weights[8:]})
    yield "no tensors", packed({MANIFEST: manifest, WEIGHTS: b"\2\0\0\0\0\0\0\0{}"})
    yield "many members", zipped([(f"{number}", b"") for number in range(20_000)])
    yield "something before", b"#!/bin/sh\n" + original
    yield "a comment", original[:-2] + b"\5\0 note"
    twins = bytearray(zipped([(MANIFEST, manifest), (WEIGHTS.replace("w", "m", 1), weights), (SUMS, sums)]))
    yield "twins", bytes(twins).replace(b"meights.safetensors", b"manifest.json\0\0\0\0\0\0")
    for place, name in ((20, "compressed size"), (24, "size"), (42, "offset"), (8, "flags"), (10, "method")):
        yield f"a directory that lies of the {name}", _with_entry(original, place)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2**40, 2**40, 2**40, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(original) - 22, 1)
    yield "ZIP64", original[:-22] + end64 + locator + original[-22:]


def _with_entry(original: bytes, place: int) -> bytes:
    """Set all bits of a field of the first entry of the directory."""
    start = original.index(b"PK\1\2")
    width = 2 if place in (8, 10) else 4
    return original[: start + place] + b"\xff" * width + original[start + place + width :]
