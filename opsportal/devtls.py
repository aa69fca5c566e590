"""A certificate for `make run TLS=1`: clients such as PagerDuty's insist on https.

A throw-away authority signs it and its key is never written, so that nobody can make a second
certificate that a client with this SSL_CERT_FILE would trust.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_FOR = dt.timedelta(days=365)
RENEW_BEFORE = dt.timedelta(days=14)
ALWAYS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Files:
    """Paths for the server (`certificate`, `key`) and for its clients (`authority`)."""

    certificate: Path
    key: Path
    authority: Path


def ensure(folder: Path, host: str, now: dt.datetime) -> Files:
    """The certificate in `folder` for loopback and `host`; made anew when missing or running out.

    `now` is aware. Files of an earlier run are kept, so that clients keep trusting them.
    """
    files = Files(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    names = list(dict.fromkeys((*ALWAYS, host)))
    if not _serves(files, names, now):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(files, names, now)
    return files


def _serves(files: Files, names: list[str], now: dt.datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    complete = files.key.exists() and files.authority.exists()
    in_time = certificate.not_valid_after_utc - RENEW_BEFORE > now
    return complete and in_time and all(_general(name) in alternatives.value for name in names)


def _make(files: Files, names: list[str], now: dt.datetime) -> None:
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _authority(authority_key, now)
    certificate = (
        _builder("OpsPortal on this machine", now)
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_key_identifier(authority_key), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    _write(files.key, secret, 0o600)
    _write(files.certificate, certificate.public_bytes(pem), 0o644)
    _write(files.authority, authority.public_bytes(pem), 0o644)


def _authority(key: ec.EllipticCurvePrivateKey, now: dt.datetime) -> x509.Certificate:
    """Self-signed, with all that strict clients (Python 3.13's default) ask of an authority."""
    name, public = "OpsPortal development authority", key.public_key()
    return (
        _builder(name, now)
        .issuer_name(_name(name))
        .public_key(public)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_may_only_sign(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def _may_only_sign() -> x509.KeyUsage:
    return x509.KeyUsage(
        key_cert_sign=True,
        crl_sign=True,
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(common_name: str, now: dt.datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + VALID_FOR)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_identifier(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replaces the file at once, private from its first byte on."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as handle:
        handle.write(content)
    draft.replace(path)
