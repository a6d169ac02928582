"""Kerberos over HTTP (SPNEGO; RFC 4178, 4559): as much of GSSAPI (RFC 2744) as it needs, by the system's own library.

Laws:

1. Kerberos 5 alone is negotiated, with mutual authentication; nothing is delegated.
2. Only what is named counts: keytab, principal, service. No cache of tickets, no keytab of the process's surroundings.
3. What the library gave is given back to it: by ``close``, and else with the last reference.
4. Functions block, those that ask the KDC for many seconds; no event loop may call them.

The library is MIT's (``libgssapi_krb5.so.2``), which reads ``krb5.conf``. Bound by :mod:`ctypes`, because the packages
that wrap it are built from source on each machine (docs/decisions/0014-kerberos-by-the-systems-library.md).
"""

from __future__ import annotations

import ctypes
import secrets
import weakref
from collections.abc import Mapping
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint32, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

_GSSAPI, _KRB5 = "libgssapi_krb5.so.2", "libkrb5.so.3"
_MUTUAL, _REPLAY, _INTEGRITY = 2, 4, 32
_INITIATE, _ACCEPT = 1, 2
_CONTINUE = 1
_FAILED = 0xFFFF0000
_FOREVER = 0xFFFFFFFF
_OF_GSSAPI, _OF_MECHANISM = 1, 2
_MOST_TOKEN = 64 * 1024
_MOST_TEXTS = 5


class GssMissingError(Exception):
    """The system's library is not there; the message says which package brings it."""


class GssError(Exception):
    """The library refuses; the message is its own and may name paths of this machine."""


class _Oid(ctypes.Structure):
    _fields_ = (("length", c_uint32), ("elements", c_char_p))


class _OidSet(ctypes.Structure):
    _fields_ = (("count", c_size_t), ("elements", POINTER(_Oid)))


class _Buffer(ctypes.Structure):
    _fields_ = (("length", c_size_t), ("value", c_void_p))
    content: bytes


class _Pair(ctypes.Structure):
    _fields_ = (("key", c_char_p), ("value", c_char_p))


class _Store(ctypes.Structure):
    _fields_ = (("count", c_uint32), ("elements", POINTER(_Pair)))


def _oid(encoded: bytes) -> _Oid:
    return _Oid(len(encoded), encoded)


_SPNEGO = _oid(b"\x2b\x06\x01\x05\x05\x02")
_KERBEROS = _oid(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")
_SERVICE_NAME = _oid(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04")
_PRINCIPAL_NAME = _oid(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01")

_Minor = POINTER(c_uint32)
_Handle = POINTER(c_void_p)
# Parameters as in RFC 2744 and MIT's gssapi_ext.h; all of them give the major status.
_FUNCTIONS: Mapping[str, tuple[Any, ...]] = {
    "gss_import_name": (POINTER(_Buffer), POINTER(_Oid), _Handle),
    "gss_display_name": (c_void_p, POINTER(_Buffer), c_void_p),
    "gss_release_name": (_Handle,),
    "gss_acquire_cred_from": (
        c_void_p, c_uint32, POINTER(_OidSet), c_int, POINTER(_Store), _Handle, c_void_p, POINTER(c_uint32),
    ),
    "gss_set_neg_mechs": (c_void_p, POINTER(_OidSet)),
    "gss_release_cred": (_Handle,),
    "gss_init_sec_context": (
        c_void_p, _Handle, c_void_p, POINTER(_Oid), c_uint32, c_uint32, c_void_p, POINTER(_Buffer), c_void_p,
        POINTER(_Buffer), POINTER(c_uint32), POINTER(c_uint32),
    ),
    "gss_accept_sec_context": (
        _Handle, c_void_p, POINTER(_Buffer), c_void_p, _Handle, c_void_p, POINTER(_Buffer), POINTER(c_uint32), c_void_p,
        c_void_p,
    ),
    "gss_delete_sec_context": (_Handle, c_void_p),
    "gss_release_buffer": (POINTER(_Buffer),),
    "gss_display_status": (c_uint32, c_int, POINTER(_Oid), POINTER(c_uint32), POINTER(_Buffer)),
}  # fmt: skip


class _Library:
    """The library's functions with their types."""

    def __init__(self) -> None:
        try:
            self._gssapi, self._krb5 = ctypes.CDLL(_GSSAPI), ctypes.CDLL(_KRB5)
        except OSError:
            raise GssMissingError(
                f"Kerberos needs the system's library {_GSSAPI}. Install its package (libgssapi-krb5-2 on Debian and "
                "Ubuntu, krb5-libs on Fedora and Red Hat)."
            ) from None
        for name, parameters in _FUNCTIONS.items():
            function = getattr(self._gssapi, name)
            function.argtypes, function.restype = (_Minor, *parameters), c_uint32
        for name, others in (
            ("krb5_init_context", (_Handle,)),
            ("krb5_cc_resolve", (c_void_p, c_char_p, _Handle)),
            ("krb5_cc_destroy", (c_void_p, c_void_p)),
        ):
            function = getattr(self._krb5, name)
            function.argtypes, function.restype = others, ctypes.c_int32
        self._krb5.krb5_free_context.argtypes, self._krb5.krb5_free_context.restype = (c_void_p,), None

    def call(self, name: str, *arguments: Any) -> int:
        """Calls a function; returns its major status.

        Raises:
            GssError: It failed.
        """
        minor = c_uint32()
        major: int = getattr(self._gssapi, name)(byref(minor), *arguments)
        if major & _FAILED:
            texts = [*self._texts(major, _OF_GSSAPI), *self._texts(minor.value, _OF_MECHANISM)]
            raise GssError("; ".join(dict.fromkeys(texts)) or f"{name}: {major:#x}")
        return major

    def release(self, name: str, thing: Any, *arguments: Any) -> None:
        """Gives something back; that can't fail in a way that anybody could mend."""
        getattr(self._gssapi, name)(byref(c_uint32()), byref(thing), *arguments)

    def taken(self, buffer: _Buffer) -> bytes:
        """What the library put into ``buffer``, which it gets back."""
        try:
            return ctypes.string_at(buffer.value, buffer.length) if buffer.value else b""
        finally:
            self.release("gss_release_buffer", buffer)

    def destroy_cache(self, name: bytes) -> None:
        """Overwrites and forgets the tickets of a cache in memory, which outlives its credential."""
        context, found = c_void_p(), c_void_p()
        if self._krb5.krb5_init_context(byref(context)):
            return
        try:
            if not self._krb5.krb5_cc_resolve(context, name, byref(found)):
                self._krb5.krb5_cc_destroy(context, found)
        finally:
            self._krb5.krb5_free_context(context)

    def _texts(self, status: int, kind: int) -> list[str]:
        texts: list[str] = []
        more, buffer = c_uint32(), _Buffer()
        while status and len(texts) < _MOST_TEXTS:
            major = self._gssapi.gss_display_status(
                byref(c_uint32()), status, kind, byref(_KERBEROS), byref(more), byref(buffer)
            )
            if major & _FAILED:
                break
            texts.append(self.taken(buffer).decode("utf-8", "replace").strip())
            if not more.value:
                break
        return texts


@cache
def _library() -> _Library:
    return _Library()


def check_library() -> None:
    """Loads the system's library.

    Raises:
        GssMissingError: It is not there.
    """
    _library()


class _Name:
    """A name as the library holds it."""

    def __init__(self, text: str, kind: _Oid) -> None:
        library, encoded = _library(), text.encode()
        self.handle = c_void_p()
        library.call("gss_import_name", byref(_filled(encoded)), byref(kind), byref(self.handle))
        self._release = weakref.finalize(self, library.release, "gss_release_name", self.handle)

    def __enter__(self) -> c_void_p:
        return self.handle

    def __exit__(self, *_exception: object) -> None:
        self._release()


class _Credential:
    """A credential as the library holds it."""

    def __init__(self, name: c_void_p | None, mechanism: _Oid, usage: int, store: Mapping[str, str]) -> None:
        library = _library()
        self.handle, lifetime = c_void_p(), c_uint32()
        pairs = (_Pair * len(store))(*(_Pair(key.encode(), value.encode()) for key, value in store.items()))
        library.call(
            "gss_acquire_cred_from", name, _FOREVER, byref(_set_of(mechanism)), usage, byref(_Store(len(store), pairs)),
            byref(self.handle), None, byref(lifetime),
        )  # fmt: skip
        self.lifetime_s = float(lifetime.value)
        self.close = weakref.finalize(self, library.release, "gss_release_cred", self.handle)
        if mechanism is _SPNEGO:
            library.call("gss_set_neg_mechs", self.handle, byref(_set_of(_KERBEROS)))


class _Context:
    """A security context as the library holds it."""

    def __init__(self) -> None:
        self.handle = c_void_p()
        self.close = weakref.finalize(self, _library().release, "gss_delete_sec_context", self.handle, None)


class ServiceTicket:
    """A principal's ticket for one service, with what it was got with. The KDC is asked here, and nowhere else.

    It can be used until its last reference is gone; its tickets are destroyed then.

    Args:
        principal: Who asks, such as ``hopslab/notebooks.example.org@EXAMPLE.ORG``.
        keytab: The file with the principal's key; the whole path.
        service: Host-based name of the service, such as ``HTTP@livy.example.org``.

    Attributes:
        lifetime_s: Seconds for which it holds.

    Raises:
        GssError: There is no ticket, for the reason that the library tells.
        GssMissingError: The system's library is not there.
    """

    def __init__(self, principal: str, keytab: Path, service: str) -> None:
        library = _library()
        cache_name = f"MEMORY:hopslab-{secrets.token_hex(16)}"
        self.close = weakref.finalize(self, library.destroy_cache, cache_name.encode())
        self._service = service
        with _Name(principal, _PRINCIPAL_NAME) as name:
            # By Kerberos itself first: SPNEGO tells less of why there is no ticket.
            first = _Credential(name, _KERBEROS, _INITIATE, {"client_keytab": f"FILE:{keytab}", "ccache": cache_name})
            self.lifetime_s = min(first.lifetime_s, self._ask_for_service(first))
            first.close()
            self._credential = _Credential(name, _SPNEGO, _INITIATE, {"ccache": cache_name})

    def begin(self) -> Initiation:
        """Begins to log in, once; asks nobody.

        Raises:
            GssError: The ticket can't be used any more.
        """
        return Initiation(self, self._credential, self._service)

    def _ask_for_service(self, credential: _Credential) -> float:
        context = _Context()
        try:
            return _initiate(context, credential, self._service, _KERBEROS, b"").lifetime_s
        finally:
            context.close()


class _Step:
    """What a call that initiates a context gave."""

    def __init__(self, token: bytes, flags: int, lifetime_s: float, *, done: bool) -> None:
        self.token, self.flags, self.lifetime_s, self.done = token, flags, lifetime_s, done


class Initiation:
    """One log-in of an initiator: from :meth:`ServiceTicket.begin`.

    Attributes:
        token: What is sent to the service.
    """

    def __init__(self, ticket: ServiceTicket, credential: _Credential, service: str) -> None:
        # Its tickets last as long as somebody logs in with them.
        self._ticket = ticket
        self._credential = credential
        self._service = service
        self._context = _Context()
        try:
            self.token = _initiate(self._context, credential, service, _SPNEGO, b"").token
        except GssError:
            self.close()
            raise

    def finish(self, token: bytes) -> None:
        """Takes what the service has answered.

        Raises:
            GssError: That proves nothing: it is not from the service that was meant.
        """
        if not token or len(token) > _MOST_TOKEN:
            raise GssError("The answer has no token of a fitting size")
        step = _initiate(self._context, self._credential, self._service, _SPNEGO, token)
        if not step.done or not step.flags & _MUTUAL:
            raise GssError("The service has not proved who it is")

    def close(self) -> None:
        """Gives it back to the library."""
        self._context.close()


class Acceptor:
    """The other side: a service that is logged in to.

    Args:
        keytab: The file with the service's key; the whole path.
        service: Host-based name of the one service whose tickets count; without it all count whose key is in the
            keytab.

    Raises:
        GssError: It can't be used.
        GssMissingError: The system's library is not there.
    """

    def __init__(self, keytab: Path, *, service: str | None = None) -> None:
        store = {"keytab": f"FILE:{keytab}"}
        if service is None:
            self._credential = _Credential(None, _SPNEGO, _ACCEPT, store)
            return
        with _Name(service, _SERVICE_NAME) as name:
            self._credential = _Credential(name, _SPNEGO, _ACCEPT, store)

    def accept(self, token: bytes) -> tuple[str, bytes]:
        """Who sent ``token``, as a principal, and what is answered to prove who the service is.

        Raises:
            GssError: It is not let in.
        """
        if not token or len(token) > _MOST_TOKEN:
            raise GssError("There is no token of a fitting size")
        library, context = _library(), _Context()
        name, reply, flags = c_void_p(), _Buffer(), c_uint32()
        try:
            major = library.call(
                "gss_accept_sec_context", byref(context.handle), self._credential.handle, byref(_filled(token)), None,
                byref(name), None, byref(reply), byref(flags), None, None,
            )  # fmt: skip
            answer = library.taken(reply)
            if major & _CONTINUE or not name or not flags.value & _MUTUAL:
                raise GssError("It takes more than one round, or no mutual authentication was asked for")
            shown = _Buffer()
            library.call("gss_display_name", name, byref(shown), None)
            return library.taken(shown).decode(), answer
        finally:
            library.release("gss_release_buffer", reply)
            library.release("gss_release_name", name)
            context.close()

    def close(self) -> None:
        """Gives it back to the library."""
        self._credential.close()


def _initiate(context: _Context, credential: _Credential, service: str, mechanism: _Oid, token: bytes) -> _Step:
    library = _library()
    out, flags, lifetime = _Buffer(), c_uint32(), c_uint32()
    try:
        with _Name(service, _SERVICE_NAME) as target:
            major = library.call(
                "gss_init_sec_context", credential.handle, byref(context.handle), target, byref(mechanism),
                _MUTUAL | _REPLAY | _INTEGRITY, 0, None, byref(_filled(token)) if token else None, None, byref(out),
                byref(flags), byref(lifetime),
            )  # fmt: skip
        return _Step(library.taken(out), flags.value, float(lifetime.value), done=not major & _CONTINUE)
    finally:
        library.release("gss_release_buffer", out)


def _filled(content: bytes) -> _Buffer:
    """A buffer that the library reads, and does not change."""
    buffer = _Buffer(len(content), ctypes.cast(c_char_p(content), c_void_p))
    # What is cast is an address, which keeps nothing alive.
    buffer.content = content
    return buffer


def _set_of(mechanism: _Oid) -> _OidSet:
    return _OidSet(1, ctypes.pointer(mechanism))
