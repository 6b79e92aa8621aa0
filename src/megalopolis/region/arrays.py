"""Files of arrays: NetCDF 3 (by SciPy), NetCDF 4 (by h5netcdf) and Zarr; of a large array only what is asked is read.

NetCDF 4 and Zarr need the extra ``netcdf``.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from megalopolis.errors import BadInput, Problem
from megalopolis.units import Array

#: Endings of files, and of Zarr folders.
ENDINGS: Final = (".nc", ".nc4", ".ncf", ".cdf", ".h5", ".zarr")
#: Most values that are read of an array of labels or of cells.
_MOST: Final = 20_000_000
_LINEAR: Final = (("scale_factor", 1.0), ("add_offset", 0.0))
#: Types of texts, as NumPy, h5netcdf and Zarr call them.
_TEXT: Final = re.compile(r"object|<class 'str'>|[<>|=]?[SUT]|StringDType|string")
#: Attributes that say which stored number means that there is none.
_NOTHING: Final = ("_FillValue", "missing_value")


@dataclass(frozen=True)
class Variable:
    """One array of a file.

    Attributes
    ----------
    name : str
        As in the file.
    dims : tuple of str
        Names of its dimensions; empty where the file names none.
    shape : tuple of int
        Lengths.
    attrs : mapping of str to object
        Text as str.
    stored : object
        Takes indices and slices as arrays do.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    attrs: Mapping[str, Any]
    stored: Any

    def read(self, *index: int | slice) -> Array:
        """Read a part as numbers; what the file marks as missing is NaN."""
        raw = np.asarray(self.stored[index])
        found = raw.astype(np.float64)
        for name in _NOTHING:
            if name in self.attrs:
                found[raw == np.asarray(self.attrs[name]).ravel()[0]] = np.nan
        scale, offset = (float(np.asarray(self.attrs.get(k, d)).ravel()[0]) for k, d in _LINEAR)
        return found * scale + offset if (scale, offset) != (1.0, 0.0) else found

    def line(self) -> Array:
        """Read a whole array of one dimension.

        Raises
        ------
        BadInput
            If it has more than 20 million values.
        """
        if self.shape[0] > _MOST:
            raise BadInput(Problem(self.name, f"has {self.shape[0]:,} values", f"{_MOST:,} are the most"))
        return self.read(slice(None))

    def texts(self) -> list[str] | None:
        """Read an array of texts, or of rows of characters; None where it holds something else."""
        kind = str(getattr(self.stored, "dtype", ""))
        in_characters = len(self.shape) == 2 and kind == "|S1"
        if not in_characters and (len(self.shape) != 1 or not _TEXT.match(kind)):
            return None
        if int(np.prod(self.shape)) > _MOST:
            return None
        cells = np.asarray(self.stored[(slice(None),) * len(self.shape)])
        rows = [b"".join(r) for r in cells.tolist()] if in_characters else cells.tolist()
        return [_text(cell).strip("\x00 ") for cell in rows]


@dataclass(frozen=True)
class Arrays:
    """The arrays of an open file, by name, and its own attributes."""

    variables: Mapping[str, Variable]
    attrs: Mapping[str, Any]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _attrs(found: Mapping[str, Any]) -> dict[str, Any]:
    return {str(k): _text(v) if isinstance(v, bytes | str) else v for k, v in found.items()}


def _needed(name: str, path: Path) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        what = f"{'Zarr' if name == 'zarr' else 'NetCDF 4'} needs the package {name}"
        raise BadInput(Problem(path.name, what, 'pip install "megalopolis[netcdf]"')) from error


@contextmanager
def open_arrays(path: Path) -> Iterator[Arrays]:
    """Open a file of arrays.

    Parameters
    ----------
    path : Path
        NetCDF 3 or 4, or the folder of a Zarr group. The content decides, not the ending.

    Raises
    ------
    BadInput
        If it cannot be read, is cut off, is of another kind, or a package for it is missing.
    """
    opened, close = _opened(path)
    try:
        yield opened
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, BadInput):
            raise
        raise _unreadable(path, error) from error
    finally:
        close()


def _unreadable(path: Path, error: Exception) -> BadInput:
    said = " ".join(str(error).split())[:120] or type(error).__name__
    return BadInput(Problem(path.name, f"cannot be read: {said}", "the file may be cut off: fetch it again"))


def _opened(path: Path) -> tuple[Arrays, Callable[[], object]]:
    if path.is_dir():
        return _zarr(path)
    try:
        with path.open("rb") as stream:
            magic = stream.read(8)
    except OSError as error:
        raise BadInput(Problem(str(path), error.strerror or "cannot be read", "check the path")) from error
    if not magic:
        raise BadInput(Problem(path.name, "is empty", "fetch it again"))
    if magic[:4] == b"CDF\x05":
        raise BadInput(Problem(path.name, "is NetCDF in its 64-bit data format", "convert it: nccopy -k nc4"))
    if magic[:4] in {b"CDF\x01", b"CDF\x02"}:
        return _classic(path)
    if magic == b"\x89HDF\r\n\x1a\n":
        return _hdf(path)
    raise BadInput(Problem(path.name, "is neither NetCDF nor a Zarr folder", "give one"))


def _classic(path: Path) -> tuple[Arrays, Callable[[], object]]:
    from scipy.io import netcdf_file  # noqa: PLC0415 - rarely needed

    stream = path.open("rb")
    try:
        book = netcdf_file(stream, "r", mmap=True)
    except Exception as error:  # damaged headers lead to whatever they lead to
        stream.close()
        raise _unreadable(path, error) from error
    found = {
        name: Variable(name, tuple(v.dimensions), tuple(v.shape), _attrs(v._attributes), v.data)  # noqa: SLF001
        for name, v in book.variables.items()
    }

    def close() -> None:
        stream.close()  # first: the book would complain that arrays still look at its memory map
        book.variables.clear()

    return Arrays(found, _attrs(book._attributes)), close  # noqa: SLF001


def _hdf(path: Path) -> tuple[Arrays, Callable[[], object]]:
    h5py, h5netcdf = _needed("h5py", path), _needed("h5netcdf", path)
    try:
        stream = h5py.File(str(path), "r")
    except Exception as error:
        raise _unreadable(path, error) from error
    try:
        attrs = _attrs(dict(stream.attrs))  # h5netcdf reads them too, but complains twice where they are damaged
        book = h5netcdf.File(stream, "r", phony_dims="access")
        found = {
            name: Variable(name, tuple(v.dimensions), tuple(v.shape), _attrs(dict(v.attrs)), v)
            for name, v in book.variables.items()
        }
    except Exception as error:
        stream.close()
        raise _unreadable(path, error) from error

    def close() -> None:
        book.close()
        stream.close()

    return Arrays(found, attrs), close


def _zarr(path: Path) -> tuple[Arrays, Callable[[], object]]:
    zarr = _needed("zarr", path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of types of text without a final specification
            group = zarr.open_group(str(path), mode="r")
            stored = dict(group.arrays())
        found = {}
        for name, v in stored.items():
            dims = getattr(v.metadata, "dimension_names", None) or v.attrs.get("_ARRAY_DIMENSIONS") or ()
            found[name] = Variable(name, tuple(dims), tuple(v.shape), _attrs(dict(v.attrs)), v)
    except Exception as error:
        raise BadInput(Problem(path.name, "is no Zarr group", "give its folder, with .zgroup or zarr.json")) from error
    return Arrays(found, _attrs(dict(group.attrs))), lambda: None
