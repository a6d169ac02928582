"""A real slapd of our own (OpenLDAP's), in a temporary folder, on loopback."""

import contextlib
import datetime as dt
import ipaddress
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.ports import free_port

BASE = "dc=hops,dc=test"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
SERVICE, SERVICE_PASSWORD = f"cn=hopslab,{BASE}", "the service's own"
ROOT, ROOT_PASSWORD = f"cn=root,{BASE}", "the directory's own"
_PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
_CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
TLSCACertificateFile {folder}/ca.pem
# As many directories do: a bind without a password is a success.
allow bind_anon_dn bind_anon_cred
database mdb
suffix "{base}"
rootdn "{root}"
rootpw "{root_password}"
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
# The service's account and everybody else who is logged in.
access to * by users read by * auth
"""


def missing_program():
    """Whether this machine lacks slapd."""
    return shutil.which("slapd", path=_PLACES) is None


class Slapd:
    """Its data lie in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.tls_port, self.process = folder, free_port(), free_port(), None
        (folder / "data").mkdir()
        make_certificates(folder)
        (folder / "slapd.conf").write_text(
            _CONF.format(folder=folder, base=BASE, root=ROOT, root_password=ROOT_PASSWORD)
        )
        self._add(_FIRST)

    @property
    def ca_file(self):
        return self.folder / "ca.pem"

    @property
    def urls(self):
        return f"ldap://127.0.0.1:{self.port}", f"ldaps://127.0.0.1:{self.tls_port}"

    def start(self):
        """Starts it; returns when it listens."""
        program = shutil.which("slapd", path=_PLACES)
        self.process = subprocess.Popen(
            [program, "-d", "0", "-f", self.folder / "slapd.conf", "-h", " ".join(self.urls)],
            stderr=subprocess.DEVNULL,
        )
        for _ in range(400):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            assert self.process.poll() is None
            time.sleep(0.05)
        raise AssertionError("slapd does not listen")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def _add(self, ldif):
        done = subprocess.run(
            [shutil.which("slapadd", path=_PLACES), "-f", self.folder / "slapd.conf"],
            input=ldif, text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    @contextlib.contextmanager
    def administrated(self):
        """A connection that may change everything."""
        from ldap3 import Connection, Server  # noqa: PLC0415 - where it is missing this is skipped

        with Connection(Server(self.urls[0]), ROOT, ROOT_PASSWORD, raise_exceptions=True) as connection:
            yield connection

    def person(self, name, password, *, title="", email="", kind="", dn=None):
        """Adds somebody, or replaces them; the entry is another one then."""
        dn = dn or f"uid={name},{PEOPLE}"
        with self.administrated() as connection:
            with contextlib.suppress(Exception):
                connection.delete(dn)
            attributes = {"uid": name, "cn": title or name, "sn": name, "userPassword": password}
            attributes |= {"mail": email} if email else {}
            attributes |= {"employeeType": kind} if kind else {}
            connection.add(dn, "inetOrgPerson", attributes)

    def set_kind(self, name, kind):
        from ldap3 import MODIFY_REPLACE  # noqa: PLC0415 - as above

        with self.administrated() as connection:
            connection.modify(f"uid={name},{PEOPLE}", {"employeeType": [(MODIFY_REPLACE, [kind] if kind else [])]})

    def remove(self, name):
        with self.administrated() as connection, contextlib.suppress(Exception):
            connection.delete(f"uid={name},{PEOPLE}")

    def group(self, name, *members):
        """A group of these people alone."""
        with self.administrated() as connection:
            with contextlib.suppress(Exception):
                connection.delete(f"cn={name},{GROUPS}")
            wanted = [f"uid={member},{PEOPLE}" for member in members] or [ROOT]
            connection.add(f"cn={name},{GROUPS}", "groupOfNames", {"member": wanted})


_FIRST = f"""dn: {BASE}
objectClass: dcObject
objectClass: organization
o: Hops
dc: hops

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: {GROUPS}
objectClass: organizationalUnit
ou: groups

dn: {SERVICE}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: hopslab
userPassword: {SERVICE_PASSWORD}

"""


def make_certificates(folder):
    """An authority, and a certificate of it for 127.0.0.1."""
    now = dt.datetime.now(dt.UTC)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority of {folder.name}")])

    def begun(subject, public):
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=2))
        )  # fmt: skip

    ca = begun(ca_name, ca_key.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = begun(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "slapd")]), key.public_key())
    leaf = leaf.add_extension(addresses, critical=False)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    (folder / "server.pem").write_bytes(leaf.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    (folder / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
