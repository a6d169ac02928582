"""A real KDC of our own (MIT's), in a temporary folder, on loopback, without root."""

import contextlib
import os
import shutil
import socket
import subprocess
from pathlib import Path

from tests.ports import free_port
from tests.waiting import until

REALM = "HOPS.TEST"
_PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def missing_programs():
    """Those of MIT's server programs that this machine lacks."""
    return [name for name in ("krb5kdc", "kdb5_util", "kadmin.local") if shutil.which(name, path=_PLACES) is None]


class Kdc:
    """Its data lie in ``folder``; ``environ`` is what programs find it by."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.process = folder, free_port(), None
        self.environ = {
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5RCACHENAME": f"file2:{folder}/replays",
        }
        self._all = {**os.environ, **self.environ, "PATH": _PLACES}
        (folder / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n"
            " rdns = false\n dns_canonicalize_hostname = false\n udp_preference_limit = 1\n"
            f"[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{self.port}\n }}\n"
        )
        (folder / "kdc.conf").write_text(
            f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{self.port}\n kdc_tcp_listen = 127.0.0.1:{self.port}\n"
            f"[realms]\n {REALM} = {{\n  database_name = {folder}/principals\n  key_stash_file = {folder}/stash\n"
            "  max_life = 10h\n }\n"
            f"[logging]\n kdc = FILE:{folder}/kdc.log\n"
        )
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "the master key")

    def start(self):
        """Starts it; returns when it listens."""
        program = shutil.which("krb5kdc", path=_PLACES)
        self.process = subprocess.Popen([program, "-n"], env=self._all)
        until(self._listens, "the KDC does not listen")
        return self

    def _listens(self):
        assert self.process.poll() is None
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def admin(self, *command):
        """Runs a command of the administration's."""
        return self._run("kadmin.local", "-q", " ".join(command))

    def keytab(self, principal, name, *, life="10h"):
        """A new key of ``principal``, which is made where there is none, in a keytab."""
        path = self.folder / name
        if "does not exist" in self.admin("getprinc", principal):
            self.admin("addprinc", "-randkey", "-maxlife", f'"{life}"', principal)
        path.unlink(missing_ok=True)
        self.admin("ktadd", "-k", str(path), principal)
        path.chmod(0o600)
        return path

    def _run(self, program, *arguments):
        done = subprocess.run(
            [shutil.which(program, path=_PLACES), *arguments],
            env=self._all,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr
