"""HDFS over its HTTP interface: fsspec's client with the parts that it leaves out."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import Any

from fsspec.implementations.webhdfs import WebHDFile, WebHDFS
from requests.adapters import HTTPAdapter

TIMEOUTS_S = (10, 120)
# What Hadoop's own client says: without it HDFS's usual mask would close a new folder to the project's other members,
# whom the list of rights that it inherits lets in.
_AS_HADOOPS_CLIENT = {
    "CREATE": {"permission": "644", "unmaskedpermission": "666"},
    "MKDIRS": {"permission": "755", "unmaskedpermission": "777"},
}


class _PatientAdapter(HTTPAdapter):
    """Requests never hang for ever: connecting and each silence have a limit."""

    def send(self, request: Any, *args: Any, **options: Any) -> Any:
        options["timeout"] = options.get("timeout") or TIMEOUTS_S
        return super().send(request, *args, **options)


class _AppendingFile(WebHDFile):  # type: ignore[misc]  # fsspec has no types
    """fsspec's file asks where to append to only when it has made the file itself."""

    def _initiate_upload(self) -> None:
        if "a" not in self.mode:
            super()._initiate_upload()
            return
        # The calls that fsspec's own file makes.
        answer = self.fs._call("APPEND", "POST", self.path, redirect=False)  # noqa: SLF001
        self.location = self.fs._apply_proxy(answer.headers["Location"])  # noqa: SLF001


class WebHdfs(WebHDFS):  # type: ignore[misc]  # fsspec has no types
    """fsspec's WebHDFS that reports refused renames, replaces files at once and creates them in one request."""

    def _connect(self) -> None:
        super()._connect()
        # A cookie would keep later users of the same connection the first user.
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, _PatientAdapter())

    def _call(self, op: str, *args: Any, **options: Any) -> Any:
        return super()._call(op, *args, **{**_AS_HADOOPS_CLIENT.get(op.upper(), {}), **options})

    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, **options: Any) -> Any:
        size = block_size or self.blocksize
        return _AppendingFile(
            self, path, mode=mode, block_size=size, tempdir=self.tempdir, **{"autocommit": True, **options}
        )

    def cp_file(self, lpath: str, rpath: str, **options: Any) -> None:
        """Copies a file; of a folder, makes the empty folder."""
        if self.isdir(lpath):
            self.makedirs(rpath, exist_ok=True)
        else:
            super().cp_file(lpath, rpath, **options)

    def mv(self, path1: str, path2: str, **_options: Any) -> None:
        """Renames; an existing target is an error.

        Raises:
            OSError: HDFS refused.
        """
        if not self._call("RENAME", method="put", path=path1, destination=path2).json()["boolean"]:
            raise FileExistsError(
                f"{path1} can't be renamed to {path2}: the target exists, or its folder does not. Choose another name."
            )

    def replace(self, source: str, target: str) -> None:
        """Renames over an existing file in one step."""
        self._call("RENAME", method="put", path=source, destination=target, renameoptions="OVERWRITE")

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_options: Any) -> None:
        """Writes a whole file in one request."""
        self._send("CREATE", "put", path, value, overwrite="true" if mode == "overwrite" else "false")

    def append(self, path: str, value: bytes) -> None:
        """Adds to the end of an existing file."""
        self._send("APPEND", "post", path, value)

    def check_access(self, path: str, action: str) -> None:
        """Asks whether the caller may do ``action`` (such as ``rw-``).

        Raises:
            PermissionError: The caller may not.
        """
        self._call("CHECKACCESS", path=path, fsaction=action)

    def capacity(self) -> int:
        """Size of the whole file system in bytes."""
        return int(self._call("GETSTATUS", path="/").json()["FsStatus"]["capacity"])

    def _send(self, operation: str, method: str, path: str, value: bytes, **parameters: str) -> None:
        place = self._call(operation, method, path, redirect=False, **parameters).headers["Location"]
        answer = self.session.request(
            method, self._apply_proxy(place), data=value, headers={"content-type": "application/octet-stream"}
        )
        answer.raise_for_status()
