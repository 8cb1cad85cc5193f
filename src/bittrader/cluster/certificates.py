"""The cluster's own certificates, made in a process of their own: `python -m bittrader.cluster.certificates JOB`.

The library costs a daemon that rests more memory than the rest of it, and is needed for a second now and then. So only
that process imports this module; `bittrader.cluster.authority` starts it. What a job takes and gives is JSON, from its
standard input and to its standard output: the answer, an `error`, or the name of what of the given is `damaged`.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Callable

Loaded = TypeVar("Loaded")
_VALID = timedelta(days=3650)
# Clocks of home computers differ, and a certificate is used the moment it is made.
_ALREADY_VALID = timedelta(days=2)
_USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
_NAME_BYTES = 64
"""The longest name that a certificate takes, as UTF-8."""
_ALL_USES = (*_USES, "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")


def authority() -> dict[str, str]:
    """A new authority, which signs itself and nobody but nodes: its `key` and `certificate`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named("Bittrader cluster")  # anyone who connects sees it: it names nobody
    made = (
        _begun(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_used_for("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return {"key": _key_pem(key), "certificate": _pem(made)}


def request(name: str) -> dict[str, str]:
    """A new private `key`, and a certificate `request` for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(_named(name)).sign(key, hashes.SHA256())
    return {"key": _key_pem(key), "request": _pem(made)}


def sign(
    authority_key: str, authority: str, request: str, name: str, addresses: list[str], hosts: list[str]
) -> dict[str, str]:
    """A `certificate` for whoever made the request, good for these addresses and host names and no others."""
    asked = _read("request", lambda: x509.load_pem_x509_csr(request.encode()))
    if not asked.is_signature_valid:
        raise ValueError("the request is not signed with its own key")
    signer = _read("authority_key", lambda: serialization.load_pem_private_key(authority_key.encode(), None))
    issuer = _read("authority", lambda: x509.load_pem_x509_certificate(authority.encode()))
    if not isinstance(signer, ec.EllipticCurvePrivateKey) or signer.public_key() != issuer.public_key():
        raise ValueError("the authority's key and certificate do not belong together")
    names = [*(x509.IPAddress(IPv4Address(one)) for one in addresses), *map(x509.DNSName, hosts)]
    made = (
        _begun(_named(name), issuer.subject, asked.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_used_for("digital_signature", "key_agreement"), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(asked.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return {"certificate": _pem(made)}


class DamagedError(ValueError):
    """What was given, and cannot be read."""


def _read(what: str, load: Callable[[], Loaded]) -> Loaded:
    """What a text holds; DamagedError, with its name, when it holds nothing."""
    try:
        return load()
    except (ValueError, TypeError) as error:
        raise DamagedError(what) from error


JOBS: dict[str, Callable[..., dict[str, str]]] = {"authority": authority, "request": request, "sign": sign}


def main() -> None:
    """Does the job that the command line names."""
    given: dict[str, Any] = json.load(sys.stdin)
    try:
        answer = JOBS[sys.argv[1]](**given)
    except DamagedError as error:
        answer = {"damaged": str(error)}
    except ValueError as error:  # what the library raises for anything that it cannot read
        answer = {"error": str(error)}
    json.dump(answer, sys.stdout)


def _begun(subject: x509.Name, issuer: x509.Name, key: Any) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _ALREADY_VALID)
        .not_valid_after(now + _VALID)
    )


def _named(name: str) -> x509.Name:
    short = name.encode()[:_NAME_BYTES].decode(errors="ignore")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, short)])


def _used_for(*uses: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{use: use in uses for use in _ALL_USES})


def _pem(made: x509.Certificate | x509.CertificateSigningRequest) -> str:
    return made.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


if __name__ == "__main__":
    main()
