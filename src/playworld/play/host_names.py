"""Names of hosts as they come in options and in the headers Host and Origin."""

import contextlib
import ipaddress
import re
from dataclasses import dataclass

_HOST = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>\d{1,5}))?")
_LABELS = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Host:
    """A name or an address in the one form in which two of them can be compared."""

    name: str
    """In lower case, without a last dot; an IPv6 address without brackets."""
    port: int | None = None

    def at(self, scheme: str) -> tuple[str, int | None]:
        """Name and port, where a port that is left out is that of the scheme."""
        return self.name, self.port or _DEFAULT_PORTS.get(scheme)


def parse_host(text: str) -> Host | None:
    """A Host header; None where it is none."""
    match = _HOST.fullmatch(text)
    if match is None:
        return None
    name = _canonical(match["v6"] or match["name"])
    if name is None or (":" in name) != (match["v6"] is not None):
        return None
    return Host(name, int(match["port"]) if match["port"] else None)


def parse_origin(text: str) -> tuple[str, Host] | None:
    """Scheme and host of an Origin header; None where it is none of a web page."""
    scheme, separator, rest = text.partition("://")
    host = parse_host(rest)
    if not separator or host is None or scheme.lower() not in _DEFAULT_PORTS:
        return None
    return scheme.lower(), host


def allowed_name(text: str) -> str:
    """The name that an entry of `--allow-hosts` means: scheme, port and a last slash are no part.

    Raises:
        ValueError: if no request could ever have that name.
    """
    rest = (text.strip().partition("://")[2] or text.strip()).removesuffix("/")
    with contextlib.suppress(UnicodeError):
        rest = rest if rest.isascii() else rest.encode("idna").decode()  # as browsers send it
    host = parse_host(f"[{rest}]" if is_address(rest) and ":" in rest else rest)
    if host is None:
        wildcard = " Wildcards are not known here: give every name." if "*" in text else ""
        raise ValueError(
            f"allow_hosts needs names of hosts, such as play.example.com, got {text!r}.{wildcard}"
        )
    return host.name


def is_address(name: str) -> bool:
    """Whether it is a bare IP address, which no foreign page can point elsewhere."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Whether a name or an address means this machine alone."""
    return ipaddress.ip_address(name).is_loopback if is_address(name) else name == "localhost"


def _canonical(name: str) -> str | None:
    if is_address(name):
        return str(ipaddress.ip_address(name))
    name = name.lower().removesuffix(".")
    return name if len(name) <= 253 and _LABELS.fullmatch(name) else None
