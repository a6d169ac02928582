"""Importing sparkmagic without what this kernel never uses, which is most of the time that its start takes.

sparkmagic's package imports its own Jupyter server extension (and with it all of jupyter_server), Kerberos, and magics
and a progress bar made of widgets, none of which this kernel shows; its tables import numpy and pandas, which ``%%sql``
and ``-o`` need later and many notebooks never. The stand-ins are taken away again after the import, so that
``%%local`` code that imports the real modules gets them.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

_SERVER_EXTENSION = "sparkmagic.serverextension.handlers"
_WIDGET_MAGICS = "sparkmagic.magics.remotesparkmagics"
_WIDGETS = "ipywidgets"
_LATER = ("numpy", "pandas")
_KERBEROS = "requests_kerberos"


def _stand_in(name: str, **attributes: object) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(attributes)
    return module


class _Deferred(ModuleType):
    """Stands for a module where sparkmagic binds its name, and imports it when something of it is asked for."""

    def __getattr__(self, attribute: str) -> object:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self.__name__), attribute)


def import_sparkmagic() -> None:
    """Imports what the kernel needs of sparkmagic. Does nothing where it is imported already."""
    if "sparkmagic" in sys.modules:
        return
    stand_ins: dict[str, ModuleType] = {
        **{name: _Deferred(name) for name in _LATER},
        _SERVER_EXTENSION: _stand_in(_SERVER_EXTENSION, load_jupyter_server_extension=None),
        _KERBEROS: _stand_in(_KERBEROS, REQUIRED=1),
        _WIDGET_MAGICS: _stand_in(_WIDGET_MAGICS),
        # Bound by sparkmagic's Command for its own way to run a cell, which hops_kernels.magics replaces.
        _WIDGETS: _stand_in(_WIDGETS),
        f"{_WIDGETS}.widgets": _stand_in(f"{_WIDGETS}.widgets", FloatProgress=None, Layout=None),
    }
    placed = {name: module for name, module in stand_ins.items() if name not in sys.modules}
    sys.modules.update(placed)
    try:
        importlib.import_module("sparkmagic.kernels.pysparkkernel.pysparkkernel")
        importlib.import_module("sparkmagic.kernels.sparkkernel.sparkkernel")
    finally:
        for name, module in placed.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
