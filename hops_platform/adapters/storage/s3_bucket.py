"""A bucket of S3: what is asked of it by keys, in the platform's words.

By botocore, which signs each request and keeps no secret in an address. Nothing is taken from this machine's own
settings for S3: neither a profile nor a proxy.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.session import Session

from hops_platform.adapters.storage.trees import PIECE
from hops_platform.errors import (
    ConflictError,
    EngineRefusedError,
    EngineUnavailableError,
    InvalidRequestError,
    NotFoundError,
    PlatformError,
    StorageFullError,
)

PART = 8 * 1024 * 1024
"""Bytes of a part of a large object, of which one is held in memory: S3 takes none that are smaller than 5 MiB."""
_MOST_PARTS = 9_000
_MOST_COPIED = 5 * 1024**3
_COPIED_PART = 1024**3
_MOST_REMOVED = 1000
MOST_KEY_BYTES = 1024
_NEVER = datetime.fromtimestamp(0, UTC)
"""Of what keys have in common S3 tells no time."""
_NOTHING_OF_THIS_MACHINE = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchUpload"})
_TAKEN = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict", "OperationAborted"})
_FULL = frozenset({"507", "QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "XMinioStorageQuotaExceeded"})
_LONG = frozenset({"KeyTooLongError", "InvalidURI"})


@dataclass(frozen=True, slots=True)
class Key:
    """Read access to a bucket is by a key and its secret; the secret is never shown."""

    name: str
    secret: str

    def __repr__(self) -> str:
        return f"Key({self.name!r})"


def read_key(text: str) -> Key:
    """The key in the text of a file: ``{"access_key": "…", "secret_key": "…"}``.

    Raises:
        ValueError: It holds none.
    """
    try:
        told = json.loads(text)
        name, secret = told["access_key"], told["secret_key"]
    except (ValueError, LookupError, TypeError):
        name = secret = None
    if not (isinstance(name, str) and isinstance(secret, str) and name and secret):
        # What stands in the file is not repeated.
        raise ValueError('The file with the key of the bucket is no {"access_key": "…", "secret_key": "…"}.')
    return Key(name, secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object, or what keys have in common up to their next ``/``.

    Attributes:
        key: Its key; one that ends with ``/`` is what keys have in common.
        size: Bytes.
        modified: When it was written.
        tag: Another text for each content.
    """

    key: str
    size: int = 0
    modified: datetime = _NEVER
    tag: str = ""


class Bucket:
    """A bucket.

    Args:
        name: Its name.
        endpoint: Address of the service: ``https://…``, or ``http://…`` on loopback.
        region: The service's region.
        key: Who asks.
        authorities: A PEM file of who vouches for the service's certificate; ``None``: public authorities.
    """

    def __init__(self, name: str, *, endpoint: str, region: str, key: Key, authorities: Path | None = None) -> None:
        self._name = name
        self._client = Session(_NOTHING_OF_THIS_MACHINE).create_client(
            "s3",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=key.name,
            aws_secret_access_key=key.secret,
            verify=True if authorities is None else str(authorities),
            config=Config(
                connect_timeout=5,
                read_timeout=60,
                retries={"max_attempts": 3, "mode": "standard"},
                max_pool_connections=50,
                proxies={},
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                # Other services than Amazon's know no trailing checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def close(self) -> None:
        """Hangs up."""
        self._client.close()

    def look(self, key: str) -> Found:
        """What an object is.

        Raises:
            NotFoundError: There is none.
        """
        with told():
            head = self._client.head_object(Bucket=self._name, Key=key)
        return Found(
            key=key,
            size=head["ContentLength"],
            modified=head["LastModified"].astimezone(UTC),
            tag=str(head["ETag"]).strip('"'),
        )

    def page(self, prefix: str, *, after: str | None, apart: bool, most: int = 1000) -> tuple[Sequence[Found], bool]:
        """Some of what begins with ``prefix``, in the order of keys, and whether there is more.

        Args:
            prefix: What all keys begin with.
            after: The last key of the page before.
            apart: Whether what lies in folders is told one by one, and not as the folder.
            most: How many.
        """
        wanted: dict[str, Any] = {"Bucket": self._name, "Prefix": prefix, "MaxKeys": most}
        if after is not None:
            wanted["StartAfter"] = after
        if not apart:
            wanted["Delimiter"] = "/"
        with told():
            answer = self._client.list_objects_v2(**wanted)
        found = [
            Found(
                key=one["Key"],
                size=one["Size"],
                modified=one["LastModified"].astimezone(UTC),
                tag=str(one["ETag"]).strip('"'),
            )
            for one in answer.get("Contents", ())
        ] + [Found(key=one["Prefix"]) for one in answer.get("CommonPrefixes", ())]
        return sorted(found, key=lambda one: one.key.encode()), bool(answer.get("IsTruncated"))

    def all_below(self, prefix: str) -> Iterator[Found]:
        """All objects whose keys begin with ``prefix``, a page after the other."""
        after: str | None = None
        while True:
            found, more = self.page(prefix, after=after, apart=True)
            yield from found
            if not more or not found:
                return
            after = found[-1].key

    @contextmanager
    def receive(self, key: str, *, offset: int, tag: str) -> Iterator[Iterator[bytes]]:
        """The bytes of an object from ``offset`` on, as long as it is the same."""
        with told():
            answer = self._client.get_object(Bucket=self._name, Key=key, Range=f"bytes={offset}-", IfMatch=f'"{tag}"')
        body = answer["Body"]
        try:
            yield _pieces(body)
        finally:
            body.close()

    def put(self, key: str, data: bytes, *, replaces: bool = True) -> None:
        """Writes a small object."""
        with told():
            self._client.put_object(Bucket=self._name, Key=key, Body=data, **_unless(replaces=replaces))

    def put_pieces(
        self,
        key: str,
        pieces: Iterable[bytes],
        *,
        size: int | None,
        replaces: bool,
        ready: Callable[[], None] | None,
    ) -> None:
        """Writes an object of any size, which is there when all of it is; one part of it is held in memory."""
        part = max(PART, -(-(size or 0) // _MOST_PARTS))
        parts = _in_parts(pieces, part)
        first = next(parts, b"")
        if len(first) < part:
            if ready is not None:
                ready()
            self.put(key, first, replaces=replaces)
            return
        with self._multipart(key, replaces=replaces, ready=ready) as add:
            add(first)
            del first  # or it would be held to the end
            for one in parts:
                add(one)

    def copy(self, source: Found, key: str) -> None:
        """Copies an object within the bucket, by the service itself."""
        where = {"Bucket": self._name, "Key": source.key}
        with told():
            if source.size <= _MOST_COPIED:
                self._client.copy_object(
                    Bucket=self._name, Key=key, CopySource=where, CopySourceIfMatch=f'"{source.tag}"'
                )
                return
            begun = self._client.create_multipart_upload(Bucket=self._name, Key=key)["UploadId"]
        try:
            with told():
                parts = []
                for number, start in enumerate(range(0, source.size, _COPIED_PART), 1):
                    end = min(start + _COPIED_PART, source.size) - 1
                    done = self._client.upload_part_copy(
                        Bucket=self._name,
                        Key=key,
                        UploadId=begun,
                        PartNumber=number,
                        CopySource=where,
                        CopySourceRange=f"bytes={start}-{end}",
                        CopySourceIfMatch=f'"{source.tag}"',
                    )
                    parts.append({"PartNumber": number, "ETag": done["CopyPartResult"]["ETag"]})
                self._client.complete_multipart_upload(
                    Bucket=self._name, Key=key, UploadId=begun, MultipartUpload={"Parts": parts}
                )
        except BaseException:
            self._abort(key, begun)
            raise

    def remove(self, keys: Sequence[str]) -> None:
        """Removes objects; those that are not there are no fault."""
        for start in range(0, len(keys), _MOST_REMOVED):
            objects = [{"Key": key} for key in keys[start : start + _MOST_REMOVED]]
            with told():
                answer = self._client.delete_objects(Bucket=self._name, Delete={"Objects": objects, "Quiet": True})
            if answer.get("Errors"):
                raise EngineRefusedError(
                    "The site's storage (S3) refused to remove something.", remedy="Tell an administrator."
                )

    def abort_old(self, prefix: str, *, before: datetime) -> None:
        """Gives up large objects that somebody began and did not finish."""
        with told():
            pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._name, Prefix=prefix)
            old = [
                (one["Key"], one["UploadId"])
                for page in pages
                for one in page.get("Uploads", ())
                if one["Initiated"] < before
            ]
        for key, upload in old:
            self._abort(key, upload)

    @contextmanager
    def _multipart(
        self, key: str, *, replaces: bool, ready: Callable[[], None] | None
    ) -> Iterator[Callable[[bytes], None]]:
        with told():
            begun = self._client.create_multipart_upload(Bucket=self._name, Key=key)["UploadId"]
        parts: list[Mapping[str, Any]] = []

        def add(data: bytes) -> None:
            number = len(parts) + 1
            with told():
                done = self._client.upload_part(
                    Bucket=self._name, Key=key, UploadId=begun, PartNumber=number, Body=data
                )
            parts.append({"PartNumber": number, "ETag": done["ETag"]})

        try:
            yield add
            if ready is not None:
                ready()
            with told():
                self._client.complete_multipart_upload(
                    Bucket=self._name,
                    Key=key,
                    UploadId=begun,
                    MultipartUpload={"Parts": parts},
                    **_unless(replaces=replaces),
                )
        except BaseException:
            self._abort(key, begun)
            raise

    def _abort(self, key: str, upload: str) -> None:
        # What can't be given up now is swept.
        with suppress(PlatformError), told():
            self._client.abort_multipart_upload(Bucket=self._name, Key=key, UploadId=upload)


def _unless(*, replaces: bool) -> Mapping[str, str]:
    return {} if replaces else {"IfNoneMatch": "*"}


def _in_parts(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in parts of ``size``; the last may be shorter."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        while len(gathered) >= size:
            yield bytes(memoryview(gathered)[:size])
            del gathered[:size]
    if gathered:
        yield bytes(gathered)


def _pieces(body: Any) -> Iterator[bytes]:
    with told():
        while piece := body.read(PIECE):
            yield piece


@contextmanager
def told() -> Iterator[None]:
    """Makes the service's errors those of the platform; neither a key nor an address is in them."""
    try:
        yield
    except ClientError as error:
        raise _problem(error) from error
    except (BotoCoreError, HTTPClientError) as error:
        raise EngineUnavailableError(
            "The site's storage (S3) can't be reached.", remedy="Try again in a moment.", retry_after_s=5
        ) from error


def _problem(error: ClientError) -> PlatformError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    known: Sequence[tuple[frozenset[str], PlatformError]] = (
        (_ABSENT, NotFoundError("There is no such thing (any more).", remedy="Read the folder again.")),
        (_TAKEN, ConflictError("Somebody else changed this at the same moment.", remedy="Read the folder again.")),
        (_LONG, InvalidRequestError("The path is too long for the site's storage.", remedy="Choose shorter names.")),
        (
            _FULL,
            StorageFullError("There is no space left on the site's storage (S3).", remedy="Tell an administrator."),
        ),
    )
    for codes, problem in known:
        if code in codes:
            return problem
    if status >= 500 or code in {"SlowDown", "RequestTimeout"}:  # noqa: PLR2004 - HTTP's own
        return EngineUnavailableError(
            "The site's storage (S3) does not serve at this moment.", remedy="Try again.", retry_after_s=5
        )
    return EngineRefusedError(
        f"The site's storage (S3) refused this ({code[:40]}).", remedy="Tell an administrator: `hopslab doctor`."
    )
