"""Translation of errors of pyarrow, zipfile and the system into those of ``insar_runtime.errors``."""

from __future__ import annotations

import errno
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import pyarrow as pa

try:
    from lzma import LZMAError
except ImportError:  # Python can be built without it; zipfile then knows of no such member either
    from zlib import error as LZMAError  # type: ignore[assignment]  # noqa: N812

from insar_runtime._input.store_access import is_store_error, store_error
from insar_runtime.errors import DataError, InputNotFoundError, InputOutputError, InsarRuntimeError

_ALLOCATION: Final = re.compile(r"of size (\d+) failed")
ABSURD_BYTES: Final = 1 << 36
"""No part of a table takes 64 GiB; a damaged header may say so."""
_NULL_LISTS_OF_FIXED_SIZE: Final = 26
"""Version of pyarrow that reads such lists from Parquet; 22 to 25 do not."""
_DECIMAL_COMMA: Final = re.compile(r"'\s*[-+]?\d*,\d+\s*'")
_CSV_COLUMN: Final = re.compile(r"In CSV column #(\d+)")


@contextmanager
def translate_errors(name: str, columns: Sequence[str] = (), *, is_open: bool = False) -> Iterator[None]:
    """Translate errors of pyarrow, zipfile and the system into those of this package, one line each.

    Parameters
    ----------
    name : str
        Of the input.
    columns : sequence of str
        Names of the columns of a CSV, which its reader knows by number.
    is_open : bool
        Whether the input was opened before, so that it has vanished if it is not there.
    """
    try:
        yield
    except InsarRuntimeError:
        raise
    except FileNotFoundError as error:
        if is_open:
            raise InputOutputError(f"{name} vanished while it was being read: leave it where it is") from error
        raise InputNotFoundError(f"no such input: {name}: check the path") from error
    except MemoryError as error:
        wanted = _ALLOCATION.search(str(error))
        if wanted is None or int(wanted[1]) < ABSURD_BYTES:
            raise
        raise _damaged(name, columns, error) from error
    except OSError as error:
        if is_store_error(error):
            raise store_error(name, error) from error
        # The place that a damaged archive says its content is at may be before the beginning of the file.
        if error.errno is not None and error.errno != errno.EINVAL:
            # Without the path, which may be long, and which the name of the input is.
            reason = error.strerror if error.filename is not None and error.strerror else _one_line(error)
            raise InputOutputError(f"reading {name} failed: {reason}: check disk and access") from error
        raise _damaged(name, columns, error) from error  # pyarrow says OSError of damaged Parquet pages
    except UnicodeEncodeError as error:
        raise DataError(f"the name of {name!a} is not UTF-8: rename the file") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: a name or a text ({_shown(error)}) is not UTF-8: write the file again") from error
    # zipfile raises NotImplementedError for a compression that it does not know.
    except (
        pa.ArrowException,
        zipfile.BadZipFile,
        zlib.error,
        LZMAError,
        EOFError,
        NotImplementedError,
        RecursionError,
        struct.error,
    ) as error:
        raise _damaged(name, columns, error) from error


def _shown(error: UnicodeDecodeError) -> str:
    text = error.object[:40]
    return ascii(text.decode("utf-8", "backslashreplace")) + ("..." if len(error.object) > len(text) else "")


def _damaged(name: str, columns: Sequence[str], error: Exception) -> DataError:
    text = _one_line(error)
    remedy = "it is damaged or incomplete: fetch or write it again"
    if isinstance(error, pa.ArrowNotImplementedError):
        remedy = "a column is of a type that is not read, leave it out or write another type; or the file is damaged"
    if "Expected all lists to be of size" in text and int(pa.__version__.partition(".")[0]) < _NULL_LISTS_OF_FIXED_SIZE:
        remedy = f"lists of fixed size that are null need pyarrow {_NULL_LISTS_OF_FIXED_SIZE}, here is {pa.__version__}"
    if "decrypt" in text.lower():
        remedy = "write it again without encryption"
    if "CSV conversion error" in text:
        remedy = "correct the cell or leave it empty"
        if _DECIMAL_COMMA.search(text):
            remedy = "write decimal points"
    if "UTF8" in text:
        remedy = "convert the file to UTF-8, e.g. iconv -f WINDOWS-1252 -t UTF-8"
    if "CSV parse error" in text and "Expected" in text:
        remedy = "each line needs as many cells as the header"
    if "straddling object" in text:
        text, remedy = "a line is longer than those before it by far", "each line needs as many cells as the header"
    if match := _CSV_COLUMN.search(text):
        text = text.replace(match[0], f"column '{columns[int(match[1])]}'" if columns else match[0])
    return DataError(f"{name}: {text}: {remedy}")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 240 else text[:237] + "..."
