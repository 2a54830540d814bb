"""The links under which a server can be opened."""

import socket

from playworld.play.host_names import is_address, is_loopback

EVERYWHERE = frozenset({"0.0.0.0", "::"})
# Addresses kept for documentation: the system picks the interface that leads out, nothing is sent.
_OUTSIDE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def own_link(host: str, port: int) -> str:
    """The link for this machine."""
    return _link("localhost" if host in EVERYWHERE else host, port)


def network_links(host: str, port: int) -> list[str]:
    """The links for other machines: none where the server listens to this machine alone."""
    if host not in EVERYWHERE:
        return [] if is_loopback(host) else [_link(host, port)]
    families = (socket.AF_INET, socket.AF_INET6) if host == "::" else (socket.AF_INET,)
    return [_link(name, port) for family in families for name in _own_addresses(family)]


def _own_addresses(family: socket.AddressFamily) -> list[str]:
    """This machine's address towards the network; by its own name where no way leads out."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((_OUTSIDE[family], 9))
            found = [probe.getsockname()[0]]
    except OSError:
        try:
            own = socket.getaddrinfo(socket.gethostname(), None, family)
        except OSError:
            own = []
        found = sorted({str(address[0]) for *_, address in own})
    return [name for name in found if is_address(name) and not is_loopback(name)]


def _link(name: str, port: int) -> str:
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"
