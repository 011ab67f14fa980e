"""Which addresses notifications may reach: public ones, and networks that the settings name.

Whoever may write a job may name a host. Without this, notifications would be a way to send
requests from inside the network: to the metadata service of a cloud, to databases, to ourselves.
The check is made on the address that is connected to, never on the name: a name can mean something
else a moment later. Standard library only, because the program that runs Apprise begins with it.
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
_REFUSED: tuple[tuple[Network, str], ...] = (
    (IPv4Network("169.254.169.254/32"), "a cloud's metadata service"),
    (IPv4Network("168.63.129.16/32"), "a cloud's metadata service"),
    (IPv4Network("100.64.0.0/10"), "a carrier's inner network"),
    (IPv4Network("192.0.0.0/24"), "reserved"),
    (IPv4Network("198.18.0.0/15"), "a test network"),
    (IPv6Network("2002::/16"), "a 6to4 address"),
    (IPv6Network("2001::/32"), "a Teredo address"),
    (IPv6Network("fec0::/10"), "site-local"),
)
"""What Python versions judge differently, or do not know, in their own words first."""


class AddressRefused(OSError):
    """The address must not be reached. An OSError: to HTTP libraries the connection failed."""


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read networks in CIDR notation, separated by commas.

    Raises:
        ValueError: one of them is none; says which.
    """
    return tuple(ip_network(word.strip()) for word in text.split(",") if word.strip())


class AddressGuard:
    """Judges addresses."""

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        """See class.

        Args:
            allowed: Networks that may be reached though they are not public.
        """
        self.allowed = tuple(allowed)

    def problem(self, text: str) -> str | None:
        """Say what is wrong with an address; None when it may be reached.

        Args:
            text: In the form that `getaddrinfo` gives; anything else is refused, because the
                operating system reads more forms than we do (`0177.0.0.1`, `2130706433`).
        """
        try:
            address = _meant(ip_address(text.partition("%")[0]))
        except ValueError:
            return "not an address"
        if any(address in network for network in self.allowed):
            return None
        for network, name in _REFUSED:
            if address in network:
                return name
        return _kind(address)

    def require(self, text: str, host: str) -> None:
        """Refuse an address that must not be reached.

        Raises:
            AddressRefused: with a sentence for the delivery log.
        """
        problem = self.problem(text)
        if problem is not None:
            what = f"{text} is" if host == text else f"'{host}' leads to {text}, which is"
            raise AddressRefused(
                f"{what} {problem} and must not be reached; an administrator can allow its network"
                " with OPENLAKE_NOTIFICATIONS__ALLOWED_NETWORKS"
            )


def _meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _kind(address: Address) -> str | None:
    for is_so, name in (
        (address.is_unspecified, "no host at all"),
        (address.is_loopback, "this machine itself"),
        (address.is_link_local, "link-local"),
        (address.is_multicast, "multicast"),
        (address.is_private, "private"),
        (address.is_reserved, "reserved"),
        (not address.is_global, "not public"),
    ):
        if is_so:
            return name
    return None
