"""Names of an experiment's folders and files.

Laws:

1. A run lies in ``Experiments/<application>_<run>/``, a trial of it in ``[generation.<g>/]<a=1&b=2>/``; a trial without
   arguments lies in the run's folder itself.
2. A trial's name holds letters, digits and ``. _ - = &``; everything else is percent-encoded, so a name is one folder's
   name on every file system and leads nowhere else, and two different texts never get the same name.
3. A name is at most 200 bytes long; a longer one is cut and ends in ``~`` and a digest of the whole.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

EXPERIMENTS = "Experiments"
HYPERPARAMETERS_FILE = ".hparams.json"
OUTPUTS_FILE = ".outputs.json"
METRIC_FILE = ".metric"
SUMMARY_FILE = ".summary.json"
LOG_FILE = "output.log"
RECORDS_FOLDER = ".trials"

MAX_NAME_BYTES = 200
_PLAIN = frozenset("._-")


def trial_name(parameters: Mapping[str, Any]) -> str:
    """Name of a trial's folder: ``a=1&b=2``; empty without parameters (laws 2 and 3)."""
    name = "&".join(f"{escape(key)}={escape(shown(value))}" for key, value in parameters.items())
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    ending = "~" + hashlib.sha256(name.encode()).hexdigest()[:16]
    return name.encode()[: MAX_NAME_BYTES - len(ending)].decode(errors="ignore") + ending


def unique_names(combinations: Iterable[Mapping[str, Any]]) -> list[str]:
    """A name for each combination; what stands there a second time gets ``~2``."""
    seen: dict[str, int] = {}
    names = []
    for parameters in combinations:
        name = trial_name(parameters)
        seen[name] = count = seen.get(name, 0) + 1
        names.append(name if count == 1 else f"{name}~{count}")
    return names


def escape(text: str) -> str:
    """``text`` with everything that is not plain percent-encoded."""
    return "".join(_escape(letter) for letter in unicodedata.normalize("NFC", text))


def shown(value: Any) -> str:
    """A value as people write it."""
    name = getattr(value, "__name__", None)
    return name if callable(value) and isinstance(name, str) else str(value)


def _escape(letter: str) -> str:
    if letter in _PLAIN or letter.isalnum():
        return letter
    return "".join(f"%{byte:02X}" for byte in letter.encode(errors="surrogatepass"))
