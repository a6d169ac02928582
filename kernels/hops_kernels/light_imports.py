"""Importing sparkmagic without what this kernel never uses, which is most of the time that its start takes.

sparkmagic's package imports its own Jupyter server extension (and with it all of jupyter_server) and Kerberos; its tables
import pandas, which ``%%sql`` and ``-o`` need later and many notebooks never. The stand-ins are taken away again after the
import, so that ``%%local`` code that imports the real modules gets them.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

_SERVER_EXTENSION = "sparkmagic.serverextension.handlers"
_KERBEROS = "requests_kerberos"


def _stand_in(name: str, **attributes: object) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(attributes)
    return module


def _lazy(name: str) -> ModuleType | None:
    """The module ``name``, executed when the first of its attributes is asked for."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return None
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def import_sparkmagic() -> None:
    """Imports what the kernel needs of sparkmagic. Does nothing where it is imported already."""
    if "sparkmagic" in sys.modules:
        return
    if "pandas" not in sys.modules:
        _lazy("pandas")
    stand_ins = {
        _SERVER_EXTENSION: _stand_in(_SERVER_EXTENSION, load_jupyter_server_extension=None),
        _KERBEROS: _stand_in(_KERBEROS, REQUIRED=1),
    }
    placed = {name: module for name, module in stand_ins.items() if name not in sys.modules}
    sys.modules.update(placed)
    try:
        importlib.import_module("sparkmagic.kernels.pysparkkernel.pysparkkernel")
    finally:
        for name, module in placed.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
